"""Workers take connections in turn."""

from scoring_server.runtime.front.shares import Shares


def test_whoever_has_clearly_more_lets_others_go_first() -> None:
    shares = Shares(2)
    shares.tell(0, 5)
    assert not shares.is_anothers_turn(0), "it is alone"
    shares.tell(1, 3)
    assert shares.is_anothers_turn(0)
    assert not shares.is_anothers_turn(1)
    shares.tell(1, 4)
    assert not shares.is_anothers_turn(0)
    shares.tell(1, 0)
    shares.leave(1)
    assert not shares.is_anothers_turn(0), "the other is gone"


def test_slots_are_given_out_again() -> None:
    shares = Shares(2)
    assert shares.free_slot([]) == 0
    assert shares.free_slot([0]) == 1
    assert shares.free_slot([1]) == 0
    assert shares.free_slot([0, 1]) == 2
    assert shares.free_slot([0, 1, 2]) == 2
