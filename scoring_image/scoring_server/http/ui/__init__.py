"""The page at /ui: a person asks a question or drops a photograph and sees the ranked answers."""

from scoring_server.http.ui.routes import register_page

__all__ = ["register_page"]
