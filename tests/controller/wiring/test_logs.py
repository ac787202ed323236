"""Logs that machines can read."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from scoring_operator.controller.context import about
from scoring_operator.wiring import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """The log's lines; the root logger is given back as it was."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    text = io.StringIO()
    logs.set_up("info", text)
    yield text
    root.handlers[:], root.level = before
    logging.captureWarnings(False)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_tells_what_the_task_works_on(stream: io.StringIO) -> None:
    token = about.set({"namespace": "ml", "name": "faq", "generation": 3})
    logging.getLogger("test").info("applied %s", "Service", extra={"seconds": 1.5})
    about.reset(token)
    (line,) = lines(stream)
    assert line.pop("time")
    assert line == {
        "level": "info",
        "logger": "test",
        "message": "applied Service",
        "namespace": "ml",
        "name": "faq",
        "generation": 3,
        "seconds": 1.5,
    }


def test_an_exception_stays_on_its_line(stream: io.StringIO) -> None:
    try:
        int("no\nway")
    except ValueError:
        logging.getLogger("test").exception("failed")
    (line,) = lines(stream)
    assert "ValueError: invalid literal" in str(line["exception"])


def test_the_libraries_only_speak_up_when_something_is_wrong(stream: io.StringIO) -> None:
    logging.getLogger("kopf.objects").info("chatter")
    logging.getLogger("kopf.objects").error("trouble", extra={"k8s_ref": {"uid": "1"}})
    (line,) = lines(stream)
    assert line["message"] == "trouble"
    assert "k8s_ref" not in line


def test_what_is_no_json_is_written_as_text(stream: io.StringIO) -> None:
    logging.getLogger("test").info("x", extra={"path": sys})
    assert "module" in str(lines(stream)[0]["path"])
