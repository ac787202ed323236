"""POST /score for FAQ matching."""

from typing import Any, Final

from scoring_server.faq.serving import FaqRanker, Match, Ranking
from scoring_server.http.errors import ApiError
from scoring_server.http.parsing import invalid_input, parse_object
from scoring_server.http.service import BackendInfo, Detailed, ModelInfo, ScoreRequest

KIND: Final = "faq-matching"
MAX_QUESTIONS: Final = 256
MAX_CHARACTERS: Final = 10_000
# All rankings of a request together; more would take gigabytes while they are written.
MAX_MATCHES: Final = 200_000

_FIELDS: Final = frozenset({"input", "top", "minProbability", "details"})


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
        """One ranking for a text, a list of rankings for a list; with details if asked for."""
        document = parse_object(request.body, _FIELDS)
        value = document["input"]
        questions = [value] if isinstance(value, str) else value
        _check_questions(questions)
        top = _top(document.get("top"))
        min_probability = _min_probability(document.get("minProbability"))
        detailed = _detailed(document.get("details"))
        self._check_size(len(questions), top)
        rankings = self._ranker.rank(questions, top=top, min_probability=min_probability)
        rows = [ranking.rows for ranking in rankings]
        single = isinstance(value, str)
        if not detailed:
            return rows[0] if single else rows
        details = [self._details(ranking) for ranking in rankings]
        return Detailed(rows[0], details[0]) if single else Detailed(rows, details)

    def _check_size(self, questions: int, top: int | None) -> None:
        originals = len(self._ranker.originals.ids)
        matches = questions * (originals if top is None else min(top, originals))
        # A single question always gets its whole ranking.
        if questions > 1 and matches > MAX_MATCHES:
            raise ApiError(
                413,
                "too_many_items",
                f"{questions} rankings with {matches // questions} originals each: "
                'send fewer questions or a smaller "top"',
            )

    def _details(self, ranking: Ranking) -> dict[str, Any]:
        """What the row of three has no room for; the matches are those of the ranking."""
        return {
            "none": self._ranker.is_none(ranking),
            "noneProbability": ranking.none_probability,
            "matches": [self._match(match) for match in ranking.matches],
        }

    def _match(self, match: Match) -> dict[str, Any]:
        answer = self._ranker.answer(match)
        return {
            "question": self._ranker.text(match),
            "answer": None if answer is None else answer.text,
            "url": None if answer is None else answer.url,
        }

    def stalled_seconds(self) -> float:
        """Nothing runs beside the requests, so nothing can stall."""
        return 0.0

    def close(self) -> None:
        """Nothing runs beside the requests."""


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


def _detailed(value: object) -> bool:
    if value is not None and not isinstance(value, bool):
        raise invalid_input('"details" must be true or false')
    return bool(value)
