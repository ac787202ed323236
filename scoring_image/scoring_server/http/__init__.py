"""The wire: the Flask app, its formats, limits, errors, health and metrics."""
