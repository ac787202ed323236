import io
import json
import logging
import sys
import time

import pytest

from scoring_server.process.logs import JsonFormatter, LineHandler


def line(record: logging.LogRecord) -> dict[str, object]:
    text = JsonFormatter().format(record)
    assert "\n" not in text
    parsed: dict[str, object] = json.loads(text)
    return parsed


def record(message: str, *arguments: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("a.logger", logging.INFO, __file__, 1, message, arguments, None)
    vars(made).update(extra)
    return made


def test_a_record_is_one_line_with_its_extra_fields() -> None:
    found = line(record("loaded %d", 3, seconds=0.5))
    assert found.pop("time")
    assert found == {
        "level": "info",
        "logger": "a.logger",
        "message": "loaded 3",
        "seconds": 0.5,
    }


def test_the_time_is_utc_with_milliseconds() -> None:
    made = record("x")
    made.created = 1_700_000_000.0625
    assert line(made)["time"] == "2023-11-14T22:13:20.062Z"


def test_control_characters_stay_on_the_line() -> None:
    assert line(record("a\nb\x1b[31m\x00"))["message"] == "a\nb\x1b[31m\x00"


def test_an_exception_shows_its_type_and_place_but_not_its_message() -> None:
    made = record("failed")
    try:
        raise ValueError("canary")  # noqa: TRY301 - to have a traceback
    except ValueError:
        made.exc_info = sys.exc_info()
    found = line(made)
    assert found["exception"] == "ValueError"
    assert "test_logs.py" in str(found["stack"])
    assert "canary" not in str(found)


class Stream(io.StringIO):
    """Remembers what was written at once."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def write(self, text: str) -> int:
        self.pieces.append(text)
        return len(text)


def test_a_line_is_written_at_once_unless_lines_are_kept() -> None:
    stream = Stream()
    handler = LineHandler(stream)
    handler.handle(record("one"))
    assert len(stream.pieces) == 1


def test_kept_lines_are_written_soon_together_and_in_order() -> None:
    stream = Stream()
    handler = LineHandler(stream)
    handler.start_buffering()
    for number in range(100):
        handler.handle(record(str(number)))
    deadline = time.monotonic() + 60
    while "".join(stream.pieces).count("\n") < 100:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    messages = [json.loads(text)["message"] for text in "".join(stream.pieces).splitlines()]
    assert messages == [str(number) for number in range(100)]
    assert len(stream.pieces) < 20
    # A pipe takes each piece whole.
    assert all(len(piece) <= 4096 and piece.endswith("\n") for piece in stream.pieces)


def test_a_warning_is_written_at_once_behind_what_was_kept() -> None:
    stream = Stream()
    handler = LineHandler(stream)
    handler.start_buffering()
    handler.handle(record("before"))
    warning = record("trouble")
    warning.levelno = logging.WARNING
    handler.handle(warning)
    assert "".join(stream.pieces).index("before") < "".join(stream.pieces).index("trouble")


def test_a_fork_of_a_process_that_keeps_lines_writes_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = Stream()
    handler = LineHandler(stream)
    handler.start_buffering()
    monkeypatch.setattr("os.getpid", lambda: 0)
    handler.handle(record("from the fork"))
    assert len(stream.pieces) == 1


@pytest.mark.parametrize("value", [2**70, "half a pair: \ud800", float("nan"), {"a": 2**70}])
def test_what_the_fast_writer_refuses_is_a_line_all_the_same(value: object) -> None:
    record = logging.makeLogRecord({"msg": "odd", "name": "x", "value": value})
    line = JsonFormatter().format(record)
    assert json.loads(line)["message"] == "odd"
    assert line.isprintable()


def test_control_characters_are_escaped() -> None:
    text = 'one\r\n{"level": "error"}\n\x1b[31mred\x00\x7f\u2028\u0085'
    line = JsonFormatter().format(logging.makeLogRecord({"msg": text, "name": "x"}))
    assert json.loads(line)["message"] == text
    assert line.isprintable()
