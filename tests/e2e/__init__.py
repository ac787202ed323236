"""End to end: the operator as a process of its own against a real API server, and real nodes."""
