"""/openapi.json: the service described for programs, with the limits that the code has."""

from scoring_server.http.openapi.routes import register_openapi

__all__ = ["register_openapi"]
