"""The Open Inference Protocol: what it requires, and what is refused."""
