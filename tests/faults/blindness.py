"""The ways in which an operator can lose sight of its cluster."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.actions import Action, Answer, Hang
from tests.faults.calls import Call
from tests.faults.streams import EVERYTHING
from tests.faults.trial import Trial


@dataclass(frozen=True)
class Blindness:
    """Something between the operator and its API server, for some seconds from `begin` on.

    `end` undoes what would otherwise go on.
    """

    name: str
    seconds: float
    begin: Callable[[Trial], object]
    end: Callable[[Trial], object] = lambda trial: None


def error_in_watches(code: int) -> Blindness:
    """All watches end with an ERROR event."""
    return Blindness(f"ERROR {code} in every watch", 0, lambda trial: trial.proxy.end_watches(code))


def watches_cut() -> Blindness:
    """The connections of all watches break."""
    return Blindness("every watch cut", 0, lambda trial: trial.proxy.cut_watches())


def watches_silenced() -> Blindness:
    """The open watches say nothing more, and stay open; new ones work."""
    return Blindness("every watch silent", 0, lambda trial: trial.proxy.silence_watches())


def all_silent(seconds: float) -> Blindness:
    """No watch says anything, however often it is opened anew."""
    return Blindness(
        f"every new watch silent too, {seconds:g} s",
        seconds,
        lambda trial: _hold(trial, EVERYTHING),
        lambda trial: _hold(trial, ""),
    )


def refused(code: int, seconds: float) -> Blindness:
    """All requests are refused, and the watches have to be opened anew."""
    return Blindness(
        f"every request answered {code}, {seconds:g} s",
        seconds,
        lambda trial: _all_calls(trial, Answer(code), "any"),
        _no_faults,
    )


def watches_refused(code: int, seconds: float) -> Blindness:
    """Lists and watches are refused, while all else works."""
    return Blindness(
        f"every list and watch answered {code}, {seconds:g} s",
        seconds,
        lambda trial: _all_calls(trial, Answer(code), "watch"),
        _no_faults,
    )


def watches_hung(seconds: float) -> Blindness:
    """Lists and watches get no answer."""
    return Blindness(
        f"every list and watch without an answer, {seconds:g} s",
        seconds,
        lambda trial: _all_calls(trial, Hang(seconds), "watch"),
        _no_faults,
    )


def away(seconds: float) -> Blindness:
    """Every connection breaks at once: nobody is there."""
    return Blindness(
        f"API server away, {seconds:g} s",
        seconds,
        lambda trial: _all_calls(trial, Hang(0), "any"),
        _no_faults,
    )


def _hold(trial: Trial, what: str) -> None:
    trial.proxy.streams.held = what


def _all_calls(trial: Trial, action: Action, which: str) -> None:
    since = time.monotonic()

    def decide(call: Call) -> Action | None:
        if which == "watch" and call.verb not in ("list", "watch"):
            return None
        if isinstance(action, Hang) and action.seconds:
            left = action.seconds - (time.monotonic() - since)
            return Hang(left) if left > 0 else None
        return action

    trial.proxy.decide = decide
    trial.proxy.end_watches(410)


def _no_faults(trial: Trial) -> None:
    trial.proxy.decide = lambda call: None
