"""A real Kubernetes on one bare Linux machine, for the tests and the demo (standard library only)."""
