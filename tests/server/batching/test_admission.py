import pytest

from scoring_server.batching import Admission, Overloaded


def test_places_are_taken_and_given_back() -> None:
    admission = Admission(3)
    with admission.enter(2):
        assert admission.taken == 2
        with admission.enter():
            assert admission.taken == 3
    assert admission.taken == 0


def test_a_full_house_refuses_at_once_and_takes_nothing() -> None:
    admission = Admission(3)
    with admission.enter(2):
        with pytest.raises(Overloaded), admission.enter(2):
            pytest.fail("four of three places")
        assert admission.taken == 2


def test_an_error_inside_gives_the_places_back() -> None:
    admission = Admission(1)
    with pytest.raises(KeyError), admission.enter():
        raise KeyError
    assert admission.taken == 0


def test_a_house_without_places_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Admission(0)


def test_places_can_be_taken_without_a_block() -> None:
    admission = Admission(3)
    assert admission.try_enter(2)
    assert not admission.try_enter(2)
    admission.leave(2)
    assert admission.try_enter(3)
