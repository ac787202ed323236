"""What programs that nobody here wrote make of the real server: clients and checkers."""
