"""The batch size that suits the hardware: measured while the model is warmed, not guessed."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

# What a larger batch must gain to be worth that every image in it waits for all others.
_WORTHWHILE: Final = 1.03
# A small model would be timed for as long as the budget allows.
_MOST_ROUNDS: Final = 10


@dataclass(frozen=True)
class Calibration:
    """Which batch size is used, and why.

    Attributes:
        max_batch: the most images that are computed at once.
        measured: whether max_batch follows from the rates below; it was asked for otherwise.
        images_per_second: by batch size, as far as they were measured.
    """

    max_batch: int
    measured: bool
    images_per_second: Mapping[int, float]


def calibrate(
    compute: Callable[[int], object],
    sizes: Sequence[int],
    *,
    budget: float,
    clock: Callable[[], float] = time.perf_counter,
) -> Calibration:
    """Time batches and choose the smallest size that is within 3 % of the fastest.

    Every size is computed once, to warm it, and then timed at least once, smallest first. Sizes
    that no longer fit into the budget, judged by the size before, are left out; what is left of the
    budget goes into up to 10 rounds. A size's time is the shortest of its rounds: what else runs on
    the machine can only lengthen it.

    Args:
        compute: computes a batch of so many images.
        sizes: to choose from, ascending; the first is always measured.
        budget: seconds that all this may take.
        clock: tells seconds.
    """
    started = clock()
    best: dict[int, float] = {}

    def measure(size: int) -> None:
        before = clock()
        compute(size)
        best[size] = min(clock() - before, best.get(size, float("inf")))

    def left() -> float:
        return budget - (clock() - started)

    for size in sizes:
        if best:
            before = max(best)
            # Twice: once to warm it, which is slower than to compute it again.
            if left() < 3 * best[before] * size / before:
                break
        compute(size)
        measure(size)
    for _ in range(_MOST_ROUNDS - 1):
        if left() < sum(best.values()):
            break
        for size in best:
            measure(size)
    rates = {size: size / max(seconds, 1e-9) for size, seconds in best.items()}
    fastest = max(rates.values())
    chosen = min(size for size, rate in rates.items() if rate * _WORTHWHILE >= fastest)
    return Calibration(
        chosen, measured=True, images_per_second={s: round(rate, 2) for s, rate in rates.items()}
    )
