"""Observed state: `summarize()` turns what was seen of the children into the status. Pure."""

from scoring_operator.status.observed import Observed, Refusal
from scoring_operator.status.summarize import (
    Summary,
    begin,
    summarize,
    summarize_invalid,
    unseen,
)
from scoring_operator.status.transitions import Transition, transition

__all__ = [
    "Observed",
    "Refusal",
    "Summary",
    "Transition",
    "begin",
    "summarize",
    "summarize_invalid",
    "transition",
    "unseen",
]
