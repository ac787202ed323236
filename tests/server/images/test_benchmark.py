"""The parts of `benchmarks.images` that decide what its tables say."""

from pathlib import Path
from typing import Any

from benchmarks.images import photograph
from benchmarks.images_load import Request, run
from benchmarks.images_report import LIMIT, markdown
from scoring_server.images.decode import decode
from tests.server.colour_model import write_colour_model
from tests.server.pictures import plain
from tests.server.runtime.conftest import image_variables
from tests.server.server_process import ServerProcess


def test_the_load_tells_good_from_bad(tmp_path: Path) -> None:
    jpeg = {"Content-Type": "image/jpeg"}
    requests = [
        Request(jpeg, plain(), good=True),
        Request(jpeg, b"none", good=False),
        Request(jpeg, plain(), good=False),  # is accepted against expectation
        Request(jpeg, b"none", good=True),  # fails against expectation
    ]
    model = write_colour_model(tmp_path / "model")
    with ServerProcess(tmp_path, **image_variables(model)) as server:
        server.wait_until_ready()
        found = run(server.port, "/score", 2, 1.0, requests)
    assert found["answered"] > 0
    assert found["goodFailed"] > 0
    assert found["badAccepted"] > 0
    assert found["imagesPerSecond"] > 0
    assert found["p50Milliseconds"] <= found["p99Milliseconds"]


def test_a_server_that_is_gone_fails_all_good_requests() -> None:
    found = run(1, "/score", 1, 0.2, [Request({}, b"", good=True)])
    assert found["answered"] == 0
    assert found["goodFailed"] > 0


def test_the_photograph_is_one() -> None:
    image = photograph(500)
    assert decode(image).size == (500, 375)
    assert 30_000 < len(image) < 80_000


def rates(images: float, p50: float, p99: float) -> dict[str, dict[str, float]]:
    return {
        "16": {
            "imagesPerSecond": images,
            "p50Milliseconds": p50,
            "p99Milliseconds": p99,
            "cpuSecondsPerImage": 0.1,
            "goodFailed": 0,
        }
    }


def test_the_report_compares_with_the_bars() -> None:
    facts = {
        "startSeconds": 1.0,
        "memoryMegabytes": 100.0,
        "goodFailedBesideBad": 2,
        "goodBesideBad": 30,
        "badAccepted": 0,
    }
    report: dict[str, Any] = {
        "settings": {"when": "2026-01-01", "cores": 2, "rounds": 1, "seconds": 2, "clients": [16]},
        "models": {
            "resnet152": {
                "imageBytes": 50_000,
                "rates": {
                    LIMIT: rates(20, 800, 900),
                    "scoring-server": rates(19, 800, 1000),
                    "the reference's way": rates(2, 8000, 9000),
                    "LitServe": rates(16, 900, 1500),
                    "BentoML": rates(5, 900, 1500),
                },
                "facts": {"LitServe": facts},
            }
        },
    }
    text = markdown(report)
    assert "1.19 times the best peer (LitServe)" in text
    assert "95% of the in-process limit" in text
    assert "p99 is 1.25 times p50" in text
    assert "9.5 times the reference's way" in text
    assert "| LitServe | 100.0 | 100 | 1.0 | 2 of 30 |" in text
