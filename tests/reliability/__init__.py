"""What "reliable and secure" means here: rows with bars, and the figures that tests measured."""
