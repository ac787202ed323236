"""API keys: which files hold one, how changes are noticed."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from scoring_server.http.keys import MAX_CHARACTERS, MIN_CHARACTERS, ApiKeys, KeysError
from tests.server.secret_volume import SecretVolume

ALICE = "alice-0123456789abcdef"
BOB = "bob-0123456789abcdef/+=~"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def volume(tmp_path: Path) -> SecretVolume:
    return SecretVolume(tmp_path / "keys", {"alice": ALICE, "bob": BOB + "\n"})


def test_each_file_is_a_key_with_its_name(volume: SecretVolume) -> None:
    keys = ApiKeys(volume.path)
    assert keys.name_of(ALICE) == "alice"
    assert keys.name_of(BOB) == "bob"


def test_plain_files_without_the_kubelets_link_are_keys_too(tmp_path: Path) -> None:
    (tmp_path / "alice").write_text(ALICE + "\r\n")
    (tmp_path / "folder").mkdir()
    assert ApiKeys(tmp_path).name_of(ALICE) == "alice"


@pytest.mark.parametrize(
    "presented",
    [
        "",
        ALICE[:-1],
        ALICE + "a",
        ALICE.upper(),
        ALICE + "\n",
        "ä" * 20,
        "\udcff" * 20,
        "x" * 10**6,
    ],
    ids=lambda text: repr(text[:10]),
)
def test_nothing_else_is_a_key(volume: SecretVolume, presented: str) -> None:
    assert ApiKeys(volume.path).name_of(presented) is None


def test_every_key_is_compared_whichever_matches(
    volume: SecretVolume, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = ApiKeys(volume.path)
    compared: list[int] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(len(one) + len(other))
        return one == other

    monkeypatch.setattr("hmac.compare_digest", compare)
    for presented in (ALICE, BOB, "neither", ""):
        compared.clear()
        keys.name_of(presented)
        assert compared == [64, 64]


BAD = {
    "empty": ("", "is empty"),
    "only a line break": ("\n", "is empty"),
    "short": ("s" * (MIN_CHARACTERS - 1), f"is shorter than {MIN_CHARACTERS} characters"),
    "long": ("l" * (MAX_CHARACTERS + 1), f"is longer than {MAX_CHARACTERS} characters"),
    "two lines": (ALICE + "\n" + BOB, "has characters that a header cannot carry"),
    "a space": (ALICE + " " + BOB, "has characters that a header cannot carry"),
    "not ASCII": ("schlüssel-0123456789", "has characters that a header cannot carry"),
    "binary": (b"\xff\x00" * 20, "has characters that a header cannot carry"),
}


@pytest.mark.parametrize(("value", "problem"), BAD.values(), ids=BAD)
def test_at_the_start_a_file_without_a_key_is_an_error_that_does_not_quote_it(
    tmp_path: Path, value: str | bytes, problem: str
) -> None:
    SecretVolume(tmp_path / "keys", {"good": ALICE, "wrong": value})
    with pytest.raises(KeysError) as caught:
        ApiKeys(tmp_path / "keys")
    assert str(caught.value).startswith(f"the API key 'wrong' in {tmp_path / 'keys'} {problem}")
    assert "ssss" not in str(caught.value)
    assert ALICE not in str(caught.value)


def test_the_shortest_and_the_longest_key_work(tmp_path: Path) -> None:
    volume = SecretVolume(tmp_path / "keys", {"s": "s" * MIN_CHARACTERS, "l": "l" * MAX_CHARACTERS})
    keys = ApiKeys(volume.path)
    assert keys.name_of("s" * MIN_CHARACTERS) == "s"
    assert keys.name_of("l" * MAX_CHARACTERS) == "l"


def test_a_directory_without_keys_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="holds no key"):
        ApiKeys(SecretVolume(tmp_path / "keys", {}).path)


@pytest.mark.parametrize("make", [Path.touch, lambda path: None], ids=["a file", "missing"])
def test_what_is_no_directory_is_an_error(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "keys")
    with pytest.raises(KeysError, match=r"keys cannot be read: No"):
        ApiKeys(tmp_path / "keys")


def test_a_change_is_noticed_within_a_second(
    volume: SecretVolume, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="scoring_server.http.keys")
    keys = ApiKeys(volume.path, clock=clock)
    volume.write({"alice": BOB, "carol": ALICE + "2"})
    assert keys.name_of(ALICE) == "alice"
    clock.now += 1
    assert keys.name_of(ALICE) is None
    assert keys.name_of(BOB) == "alice"
    assert keys.name_of(ALICE + "2") == "carol"
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert ALICE not in caplog.text


def test_without_a_change_the_files_are_not_read_again(
    volume: SecretVolume, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = ApiKeys(volume.path, clock=clock)
    monkeypatch.setattr("scoring_server.http.keys._read", None)
    for _ in range(3):
        clock.now += 1
        assert keys.name_of(ALICE) == "alice"


def test_keys_that_are_taken_away_while_it_runs_leave_nobody(
    volume: SecretVolume, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    keys = ApiKeys(volume.path, clock=clock)
    volume.write({})
    for _ in range(3):
        clock.now += 1
        assert keys.name_of(ALICE) is None
    (message,) = errors(caplog)
    assert message.endswith("holds no key: all requests are refused")
    volume.write({"alice": ALICE})
    clock.now += 1
    assert keys.name_of(ALICE) == "alice"


def test_a_directory_that_vanishes_while_it_runs_leaves_nobody(
    volume: SecretVolume, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    keys = ApiKeys(volume.path, clock=clock)
    moved = volume.path.rename(volume.path.with_name("moved"))
    for _ in range(3):
        clock.now += 1
        assert keys.name_of(ALICE) is None
    assert len(errors(caplog)) == 1
    moved.rename(volume.path)
    clock.now += 1
    assert keys.name_of(ALICE) == "alice"


def test_a_wrong_file_that_appears_while_it_runs_harms_no_other(
    volume: SecretVolume, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    keys = ApiKeys(volume.path, clock=clock)
    volume.write({"alice": ALICE, "bob": "short-canary"})
    clock.now += 1
    assert keys.name_of(ALICE) == "alice"
    assert keys.name_of("short-canary") is None
    (message,) = errors(caplog)
    assert "'bob'" in message
    assert "short-canary" not in caplog.text
