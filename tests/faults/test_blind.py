"""R13: whatever becomes of the watches, the operator sees again within two minutes.

It recovers, or it ends and is started anew; never is it up and blind.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.faults import blindness
from tests.faults.blindness import Blindness
from tests.faults.conftest import NewTrial
from tests.faults.kept import Kept
from tests.reliability.figures import record

pytestmark = [pytest.mark.api, pytest.mark.timeout(3600)]

SEEING_AGAIN_SECONDS = 120.0
# What the machine may add: a restart beside other tests takes its time.
MARGIN_SECONDS = 30.0
LANES = 12  # operators that wait, most of the time

SAMPLE = (
    blindness.watches_silenced(),  # first, for it takes the longest
    *(blindness.error_in_watches(code) for code in (403, 410, 500, 504)),
    blindness.watches_cut(),
    blindness.away(10),
    *(blindness.refused(code, 10) for code in (401, 503)),
    *(blindness.watches_refused(code, 10) for code in (403, 429)),
    blindness.watches_hung(10),
)
WHOLE = (
    blindness.away(300),
    blindness.all_silent(180),
    *SAMPLE,
    blindness.away(60),
    *(blindness.refused(code, 130) for code in (401, 403, 500, 504)),
    *(blindness.watches_refused(code, 130) for code in (401, 403, 410, 500, 503)),
    blindness.watches_hung(130),
)
NAME = "faq"


@dataclass(frozen=True)
class Outcome:
    """How it went: seconds from the end of the fault until the operator saw, or None."""

    fault: str
    seconds: float | None
    restarts: int
    up_and_blind: bool

    @property
    def text(self) -> str:
        """In words."""
        if self.seconds is None:
            return f"{self.fault}: still blind after {self.restarts} restarts"
        return f"{self.fault}: saw again after {self.seconds:.0f} s, {self.restarts} restarts"


def live(new_trial: NewTrial, fault: Blindness) -> Outcome:
    """A change while the operator sees nothing; then one by one what each watch must tell."""
    with new_trial() as trial:
        kept = Kept(trial)

        def replicas() -> int:
            found = trial.api.find("Deployment", trial.namespace, NAME)
            return 0 if found is None else int(found["spec"]["replicas"])

        def change(number: int, seconds: float) -> bool:
            trial.apply({"replicas": number}, NAME)
            return kept.until(lambda: replicas() == number, time.monotonic() + seconds)

        def repaired(kind: str) -> bool:
            uid = trial.api.get(kind, trial.namespace, NAME)["metadata"]["uid"]
            trial.api.delete(kind, trial.namespace, NAME)

            def again() -> bool:
                found = trial.api.find(kind, trial.namespace, NAME)
                return found is not None and found["metadata"]["uid"] != uid

            return kept.until(again, time.monotonic() + SEEING_AGAIN_SECONDS)

        assert change(1, SEEING_AGAIN_SECONDS), "the trial does not begin"
        kept.until(trial.operator.is_ready, time.monotonic() + SEEING_AGAIN_SECONDS)
        kept.restarts = 0
        fault.begin(trial)
        began = time.monotonic()
        trial.apply({"replicas": 2}, NAME)
        # An operator that is to be up and blind no longer than two minutes ends meanwhile.
        kept.until(lambda: False, began + fault.seconds)
        blind = fault.seconds > SEEING_AGAIN_SECONDS + MARGIN_SECONDS and kept.restarts == 0
        fault.end(trial)
        ended = time.monotonic()
        limit = ended + SEEING_AGAIN_SECONDS + MARGIN_SECONDS
        saw = kept.until(lambda: replicas() == 2, limit)
        seconds = time.monotonic() - ended if saw else None
        if saw and not all(map(repaired, ("Service", "NetworkPolicy", "Deployment"))):
            seconds = None
        return Outcome(fault.name, seconds, kept.restarts, blind)


def test_an_operator_that_lost_sight_sees_again(new_trial: NewTrial, long: bool) -> None:
    faults = WHOLE if long else SAMPLE
    with ThreadPoolExecutor(LANES) as lanes:
        outcomes = list(lanes.map(lambda fault: live(new_trial, fault), faults))
    seen = [outcome for outcome in outcomes if outcome.seconds is not None]
    bad = [item.text for item in outcomes if item.seconds is None or item.up_and_blind]
    assert not bad, "\n".join(bad)
    longest = max(seen, key=lambda outcome: outcome.seconds or 0)
    record(
        "R13",
        "watches and API server, through the proxy",
        f"{len(seen)} of {len(faults)} ways overcome, {sum(o.restarts for o in seen)} restarts;"
        f" the longest: {longest.text}",
    )
