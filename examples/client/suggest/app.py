"""The application: one page, and one route that the page asks while a person types."""

from pathlib import Path
from typing import Any, Final

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue

from scoring_client import Match, ScoringClient, ScoringError

_PAGE: Final = Path(__file__).with_name("page")
_SUGGESTIONS: Final = 5
# Less likely than this a known question only distracts.
_MIN_PROBABILITY: Final = 0.01
_SHORTEST: Final = 3
_LONGEST: Final = 500
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def create_app(client: ScoringClient) -> Flask:
    """The application for one FAQ matching service.

    Browsers ask this application, and it asks the service: the API key stays here.
    """
    app = Flask(__name__, static_folder=str(_PAGE), static_url_path="/page")

    @app.get("/")
    def page() -> Response:
        return app.send_static_file("index.html")

    # By POST, although it changes nothing: addresses end up in the logs of proxies.
    @app.post("/suggestions")
    def suggestions() -> ResponseReturnValue:
        document = request.get_json()
        text = document.get("text") if isinstance(document, dict) else None
        if not isinstance(text, str) or len(text) > _LONGEST:
            return jsonify(error=f"text must be a text of at most {_LONGEST} characters"), 400
        if len(text.strip()) < _SHORTEST:
            return jsonify(suggestions=[])
        try:
            ranking = client.ask(text, top=_SUGGESTIONS, min_probability=_MIN_PROBABILITY)
        except ScoringError as error:
            app.logger.warning("no suggestions: %s (request %s)", error, error.request_id)
            return jsonify(error="no suggestions at the moment"), 503
        matches = [] if ranking.none else ranking.matches
        return jsonify(suggestions=[_suggestion(match) for match in matches])

    def lock_down(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    app.after_request(lock_down)
    return app


def _suggestion(match: Match) -> dict[str, Any]:
    return {"question": match.question, "answer": match.answer, "url": match.url}
