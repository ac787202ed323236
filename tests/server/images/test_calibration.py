import pytest

from scoring_server.images.calibration import calibrate


class Machine:
    """A clock and a model: so many seconds for a batch, a tenth more for its first."""

    def __init__(self, fixed: float, each: float) -> None:
        self.fixed, self.each = fixed, each
        self.now = 0.0
        self.batches: list[int] = []

    def compute(self, size: int) -> None:
        slower = 1.1 if size not in self.batches else 1.0
        self.now += slower * (self.fixed + self.each * size)
        self.batches.append(size)

    def clock(self) -> float:
        return self.now


SIZES = (1, 2, 4, 8)


def test_where_batches_gain_nothing_images_are_computed_one_by_one() -> None:
    machine = Machine(fixed=0.0, each=0.05)
    found = calibrate(machine.compute, SIZES, budget=100, clock=machine.clock)
    assert found.max_batch == 1
    assert found.measured
    assert found.images_per_second == pytest.approx({1: 20, 2: 20, 4: 20, 8: 20})


def test_where_batches_gain_the_smallest_that_nearly_reaches_the_best_is_taken() -> None:
    machine = Machine(fixed=0.01, each=0.05)
    found = calibrate(machine.compute, SIZES, budget=100, clock=machine.clock)
    assert found.max_batch == 4  # 2 % slower than 8, and 2 is 7 %
    much = Machine(fixed=1.0, each=0.001)
    assert calibrate(much.compute, SIZES, budget=100, clock=much.clock).max_batch == 8


def test_the_budget_is_kept_and_the_rest_of_it_is_used() -> None:
    machine = Machine(fixed=0.0, each=0.05)
    calibrate(machine.compute, SIZES, budget=3, clock=machine.clock)
    assert 2.2 < machine.now <= 3
    assert machine.batches.count(8) >= 2


def test_sizes_that_would_take_too_long_are_left_out() -> None:
    machine = Machine(fixed=0.0, each=0.5)
    found = calibrate(machine.compute, SIZES, budget=6, clock=machine.clock)
    assert set(machine.batches) == {1, 2}
    assert set(found.images_per_second) == {1, 2}
    assert machine.now <= 6


def test_a_model_slower_than_the_budget_is_measured_once() -> None:
    machine = Machine(fixed=0.0, each=10)
    assert calibrate(machine.compute, SIZES, budget=1, clock=machine.clock).max_batch == 1
    assert machine.batches == [1, 1]


def test_noise_of_other_programs_does_not_decide() -> None:
    machine = Machine(fixed=0.0, each=0.05)
    disturbed = iter([0, 0, 0, 0, 0, 0, 0.2, 0.3] + [0] * 1000)

    def compute(size: int) -> None:
        machine.compute(size)
        machine.now += next(disturbed)

    found = calibrate(compute, SIZES, budget=10, clock=machine.clock)
    assert found.images_per_second[8] == pytest.approx(20)
