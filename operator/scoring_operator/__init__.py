"""A Kubernetes operator for ScoringService resources: real-time scoring of Python models."""
