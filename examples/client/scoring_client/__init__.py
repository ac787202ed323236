"""A client of scoring services: ask questions, classify photographs."""

from scoring_client.answers import Classified, Label, Match, Ranking
from scoring_client.client import ScoringClient
from scoring_client.errors import (
    Busy,
    InvalidRequest,
    ScoringError,
    ServerFailed,
    TimedOut,
    Unauthorized,
    UnexpectedAnswer,
    Unreachable,
)
from scoring_client.retries import Retries

__all__ = [
    "Busy",
    "Classified",
    "InvalidRequest",
    "Label",
    "Match",
    "Ranking",
    "Retries",
    "ScoringClient",
    "ScoringError",
    "ServerFailed",
    "TimedOut",
    "Unauthorized",
    "UnexpectedAnswer",
    "Unreachable",
]
