"""The parts of `benchmarks.images` that decide what its tables say."""

from pathlib import Path
from typing import Any

from benchmarks.images_load import Request, run
from benchmarks.images_models import photograph
from benchmarks.images_report import LIMIT, markdown
from scoring_server.images.decode import decode
from tests.server.colour_model import write_colour_model
from tests.server.pictures import plain
from tests.server.runtime.conftest import image_variables
from tests.server.server_process import ServerProcess


def test_the_load_tells_good_from_bad(tmp_path: Path) -> None:
    jpeg = "image/jpeg"
    requests = [
        Request(jpeg, plain(), good=True),
        Request(jpeg, b"none", good=False),
        Request(jpeg, plain(), good=False),  # is accepted against expectation
        Request(jpeg, b"none", good=True),  # fails against expectation
    ]
    model = write_colour_model(tmp_path / "model")
    with ServerProcess(tmp_path, **image_variables(model)) as server:
        server.wait_until_ready()
        found = run(server.port, "/score", 2, 3.0, requests)
    assert found["answered"] > 0
    assert found["goodFailed"] > 0
    assert found["badAccepted"] > 0
    assert found["imagesPerSecond"] > 0
    assert found["p50Milliseconds"] <= found["p99Milliseconds"]


def test_a_server_that_is_gone_fails_all_good_requests() -> None:
    found = run(1, "/score", 1, 1.0, [Request("", b"", good=True)])
    assert found["answered"] == 0
    assert found["goodFailed"] > 0


def test_the_photograph_is_one() -> None:
    image = photograph(500)
    assert decode(image).size == (500, 375)
    assert 30_000 < len(image) < 80_000


def rates(images: float, p50: float, p99: float) -> dict[str, float]:
    return {
        "imagesPerSecond": images,
        "p50Milliseconds": p50,
        "p99Milliseconds": p99,
        "cpuSecondsPerImage": 0.1,
        "goodFailed": 0,
        "foreignShare": 0.02,
    }


def test_the_report_compares_with_the_bars_within_each_round() -> None:
    facts = {
        "startSeconds": 1.0,
        "memoryMegabytes": 100.0,
        "goodFailedBesideBad": 2,
        "goodBesideBad": 30,
        "badAccepted": 0,
    }
    rounds = [  # the second on a machine that was half as fast
        {
            "clients": 16,
            "rates": {
                LIMIT: rates(speed * 20, 800, 900),
                "scoring-server": rates(speed * 19, 800, 1000),
                "scoring-server, int8": rates(speed * 38, 400, 500),
                "the reference's way": rates(speed * 2, 8000, 9000),
                "LitServe": rates(speed * 16, 900, 1500),
                "BentoML": rates(speed * 5, 900, 1500),
            },
        }
        for speed in (1.0, 0.5)
    ]
    report: dict[str, Any] = {
        "settings": {"when": "2026-01-01", "cores": 2, "seconds": 2},
        "models": {
            "resnet152": {"imageBytes": 50_000, "rounds": rounds, "facts": {"LitServe": facts}}
        },
    }
    text = markdown(report)
    assert "1.19 (1.19 to 1.19) times the best peer (LitServe); bar: 1.08, met" in text
    assert "0.95 (0.95 to 0.95) of the in-process limit; bar: 0.97, missed" in text
    assert "p99 over p50, 16 clients: 1.25 (1.25 to 1.25); bar: at most 1.3" in text
    assert "9.50 (9.50 to 9.50) times the reference's way; bar: 4, met" in text
    assert "19.0 (19.0 to 19.0) times the reference's way; bar: 8, met" in text
    assert "| LitServe | 12.0 (900 / 1500) |" in text
    assert "| LitServe | 100.00 | 100 | 1.0 | 2 of 30 |" in text


def test_a_tiny_model_is_compared_with_the_peers_alone() -> None:
    rounds = [
        {"clients": clients, "rates": {LIMIT: rates(5000, 1, 1), "scoring-server": ours, "X": peer}}
        for clients, ours, peer in (
            (1, rates(900, 1, 2), rates(1000, 1, 2)),
            (16, rates(2000, 8, 9), rates(1000, 16, 20)),
        )
    ]
    measured = {"imageBytes": 2000, "rounds": rounds, "facts": {}}
    settings = {"when": "2026-01-01", "cores": 2, "seconds": 2}
    text = markdown({"settings": settings, "models": {"tiny": measured}})
    assert "1 client: 0.90 (0.90 to 0.90) times the best peer (X); bar: 1, missed" in text
    assert "16 clients: 2.00 (2.00 to 2.00) times the best peer (X); bar: 1.3, met" in text
    assert "limit; bar" not in text
