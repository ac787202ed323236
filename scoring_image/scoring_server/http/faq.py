"""POST /score for FAQ matching."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from scoring_server.batching import DeadlineExceeded
from scoring_server.faq.model import Id
from scoring_server.faq.serving import FaqRanker, Match, Ranking
from scoring_server.http.errors import ApiError
from scoring_server.http.parsing import invalid_input, parse_object
from scoring_server.http.service import BackendInfo, Detailed, ModelInfo, ScoreRequest
from scoring_server.http.tensors import (
    BYTES,
    FP64,
    INT64,
    Item,
    Signature,
    Tensor,
    TensorSpec,
    element_text,
)

KIND: Final = "faq-matching"
MAX_QUESTIONS: Final = 256
MAX_TOP: Final = 1_000_000_000
MAX_CHARACTERS: Final = 10_000
# All rankings of a request together; more would take gigabytes while they are written.
MAX_MATCHES: Final = 200_000

# Between so many questions of a list the server looks whether its time is over.
_AT_ONCE: Final = 16

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
        originals = ranker.originals
        self._signature = Signature(
            TensorSpec("questions", BYTES, (-1,)),
            (
                TensorSpec("original_ids", _datatype(originals.ids), (-1, -1)),
                TensorSpec("answer_ids", _datatype(originals.answer_ids), (-1, -1)),
                TensorSpec("probabilities", FP64, (-1, -1)),
                TensorSpec("none_probabilities", FP64, (-1,)),
            ),
            MAX_QUESTIONS,
        )

    async def score(self, request: ScoreRequest) -> Any:
        """One ranking for a text, a list of rankings for a list; with details if asked for."""
        document = parse_object(request.body, _FIELDS)
        value = document["input"]
        questions = [value] if isinstance(value, str) else value
        _check_questions(questions)
        top = _top(document.get("top"))
        min_probability = _min_probability(document.get("minProbability"))
        detailed = _detailed(document.get("details"))
        self._check_size(len(questions), top)
        rankings = self._rank(questions, request.deadline, top, min_probability)
        rows = [ranking.rows for ranking in rankings]
        single = isinstance(value, str)
        if not detailed:
            return rows[0] if single else rows
        details = [self._details(ranking) for ranking in rankings]
        return Detailed(rows[0], details[0]) if single else Detailed(rows, details)

    @property
    def signature(self) -> Signature:
        """Questions in; rows of originals, answers and probabilities out, best first."""
        return self._signature

    async def infer(
        self, items: Sequence[Item], parameters: Mapping[str, Any], deadline: float
    ) -> Sequence[Tensor]:
        """Rank the originals for each question; the parameter "top" bounds the rows."""
        questions = [element_text(item) for item in items]
        _check_questions(questions)
        top = _top(parameters.get("top"))
        self._check_size(len(questions), top)
        rankings = self._rank(questions, deadline, top)
        columns = zip(*(row for ranking in rankings for row in ranking.rows), strict=True)
        shape = (len(rankings), len(rankings[0].rows))
        *ranked, none = self._signature.outputs
        tensors = [
            Tensor(spec, shape, _written(spec, column))
            for spec, column in zip(ranked, columns, strict=True)
        ]
        nones = [ranking.none_probability for ranking in rankings]
        return [*tensors, Tensor(none, shape[:1], nones)]

    def _rank(
        self, questions: list[str], deadline: float, top: int | None, min_probability: float = 0.0
    ) -> list[Ranking]:
        """A few at a time, while somebody waits for them."""
        rankings: list[Ranking] = []
        for begin in range(0, len(questions), _AT_ONCE):
            if begin and time.monotonic() >= deadline:
                raise DeadlineExceeded
            few = questions[begin : begin + _AT_ONCE]
            rankings += self._ranker.rank(few, top=top, min_probability=min_probability)
        return rankings

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


def _datatype(ids: Sequence[Id]) -> str:
    """Whole numbers where all ids are such, else texts."""
    return INT64 if all(isinstance(i, int) and -(2**63) <= i < 2**63 for i in ids) else BYTES


def _written(spec: TensorSpec, values: Sequence[Any]) -> Sequence[Any]:
    return [str(value) for value in values] if spec.datatype == BYTES else values


def _check_questions(questions: object) -> None:
    if not isinstance(questions, list) or not questions:
        raise invalid_input('"input" must be a question or a list of at least one')
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
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON knows no difference between 3 and 3.0
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_TOP:
        raise invalid_input(f'"top" must be a whole number from 1 to {MAX_TOP}')
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
