"""What every process of the image shares: JSON logs on stdout and the last words of a failure."""
