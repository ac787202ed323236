"""What every process of the image shares: JSON logs, the last words of a failure, its CPU limit."""
