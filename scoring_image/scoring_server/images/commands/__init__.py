"""What the commands of scoring-image do, as lines of text."""
