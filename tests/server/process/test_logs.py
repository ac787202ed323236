import json
import logging
import sys

from scoring_server.process.logs import JsonFormatter


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
