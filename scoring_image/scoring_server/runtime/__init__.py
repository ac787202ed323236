"""The process: settings from the environment, loading, gunicorn, the end."""
