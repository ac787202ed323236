"""Command line, logs, metrics, health and the observation of kopf's watches."""
