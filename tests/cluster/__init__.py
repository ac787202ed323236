"""A real Kubernetes on one bare Linux machine, for tests and the demo (standard library only)."""
