"""Training of the FAQ model with scikit-learn; nothing here is imported by the serving process."""
