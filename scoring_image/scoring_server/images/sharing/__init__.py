"""One process owns the model; others decode pictures and hand them over in shared memory."""
