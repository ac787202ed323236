"""POST /score for FAQ matching."""

from typing import Any, Final

from scoring_server.faq.serving import FaqRanker, Ranking
from scoring_server.http.errors import ApiError
from scoring_server.http.parsing import invalid_input, parse_object
from scoring_server.http.service import BackendInfo, ModelInfo, ScoreRequest

KIND: Final = "faq-matching"
MAX_QUESTIONS: Final = 256
MAX_CHARACTERS: Final = 10_000

_FIELDS: Final = frozenset({"input", "top", "minProbability"})


class FaqScorer:
    """Ranks the originals of a FAQ for a question or a list of questions.

    It scores in the request's own thread: that takes about 0.1 ms, less than handing the question
    to another thread and waiting for it, and a batch would not be cheaper per question.
    """

    media_types = ("application/json",)

    def __init__(self, ranker: FaqRanker, model: ModelInfo) -> None:
        self._ranker = ranker
        self.model = model
        self.backend = BackendInfo("numpy", "f32", "cpu")

    def score(self, request: ScoreRequest) -> Any:
        """One ranking for a text, a list of rankings for a list."""
        document = parse_object(request.body, _FIELDS)
        value = document["input"]
        questions = [value] if isinstance(value, str) else value
        _check_questions(questions)
        rankings = self._ranker.rank(
            questions,
            top=_top(document.get("top")),
            min_probability=_min_probability(document.get("minProbability")),
        )
        rows = [_rows(ranking) for ranking in rankings]
        return rows[0] if isinstance(value, str) else rows

    def stalled_seconds(self) -> float:
        """Nothing runs beside the requests, so nothing can stall."""
        return 0.0

    def close(self) -> None:
        """Nothing runs beside the requests."""


def _rows(ranking: Ranking) -> list[list[Any]]:
    return [[match.original_id, match.answer_id, match.probability] for match in ranking.matches]


def _check_questions(questions: object) -> None:
    if not isinstance(questions, list) or not questions:
        raise invalid_input('"input" must be a question or a list of questions')
    if len(questions) > MAX_QUESTIONS:
        raise ApiError(
            413, "too_many_items", f"{len(questions)} questions: send {MAX_QUESTIONS} at most"
        )
    for question in questions:
        if not isinstance(question, str) or not question.strip():
            raise invalid_input("every question must be a text that is not empty")
        if len(question) > MAX_CHARACTERS:
            raise invalid_input(f"a question may have {MAX_CHARACTERS} characters at most")


def _top(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise invalid_input('"top" must be a whole number of at least 1')
    return value


def _min_probability(value: object) -> float:
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise invalid_input('"minProbability" must be a number from 0 to 1')
    return float(value)
