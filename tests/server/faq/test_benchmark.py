"""The benchmark runs from end to end, with sizes that say nothing of speed."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import faq, faq_accuracy
from benchmarks.faq_report import CONSTANT, OURS, PLAIN, REFERENCE, bars, markdown
from scoring_server.faq.cli import main as scoring_faq
from tests.datasets import require_data
from tests.server.faq.conftest import SHIPPED


def test_a_small_run_measures_every_server_and_writes_its_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The reference is left out: LightGBM is no development package."""
    data = ["--originals", str(SHIPPED / "originals.csv")]
    data += ["--duplicates", str(SHIPPED / "duplicates.csv")]
    assert scoring_faq(["prepare", "--output", str(tmp_path / "faq"), *data]) == 0
    capsys.readouterr()
    sizes = ["--rounds", "1", "--seconds", "2", "--questions", "5", "--scaling", "50"]
    load = ["--connections", "2", "--cores", "1", "--without-reference"]
    output = ["--faq", str(tmp_path / "faq"), "--output", str(tmp_path)]
    faq.main([*output, *sizes, *load])

    report = json.loads((tmp_path / "faq.json").read_text())
    assert list(report["peers"]) == [OURS, PLAIN, CONSTANT]
    for name, row in report["peers"].items():
        assert row["requestsPerSecond"] > 0, name
        assert 5 < row["workerMegabytes"] < row["memoryMegabytes"], name
    assert report["peers"][OURS]["accuracyAt1"] > 0
    assert [row["originals"] for row in report["scaling"]] == [50]
    assert capsys.readouterr().out.startswith("faq: 92 originals")
    assert (tmp_path / "faq.svg").stat().st_size < 60_000


def test_without_lightgbm_the_reference_is_told_to_be_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(faq, "find_spec", lambda _: None)
    with pytest.raises(SystemExit):
        faq.main([])
    assert "the reference needs LightGBM: `make benchmark-faq`" in capsys.readouterr().err


def report_of(**changed: float) -> dict[str, Any]:
    """A report in which all bars are just met, but for what is changed."""
    given = {
        "inProcess": 0.1,
        "rate": 800.0,
        "worker": 79.0,
        "load": 19.0,
        "at10000": 0.9,
        "at100000": 9.0,
    } | changed
    common = {"trainingSeconds": 1, "accuracyAt1": None, "startSeconds": 1, "memoryMegabytes": 9}
    common |= {"p50Milliseconds": 1, "p99Milliseconds": 2}

    def peer(milliseconds: float, rate: float) -> dict[str, Any]:
        measured = {"inProcessMilliseconds": milliseconds, "requestsPerSecond": rate}
        return {**common, **measured, "workerMegabytes": given["worker"]}

    def size(originals: int, milliseconds: float) -> dict[str, float]:
        times = {"p50Milliseconds": milliseconds, "p99Milliseconds": 2, "loadMilliseconds": 1}
        return {"originals": originals, "trainingSeconds": 1, "artefactMegabytes": 1, **times}

    return {
        "data": "x",
        "originals": 7,
        "duplicates": 9,
        "settings": {"cores": 2, "connections": 1, "rounds": 1, "seconds": 1.0, "trees": 5},
        "loadMilliseconds": given["load"],
        "peers": {
            OURS: peer(given["inProcess"], given["rate"]),
            REFERENCE: peer(10.0, 40.0),
            CONSTANT: peer(0.0, 1000.0),
        },
        "scaling": [size(10_000, given["at10000"]), size(100_000, given["at100000"])],
    }


@pytest.mark.parametrize(
    ("changed", "missed"),
    [
        ({}, []),
        ({"inProcess": 0.11}, ["scoring in process, times the reference's speed"]),
        ({"rate": 799.0}, ["requests/s, times the reference's", "requests/s, of the constant's"]),
        ({"worker": 80.0}, ["MB of a worker"]),
        ({"load": 20.0}, ["ms to load the artefact"]),
        ({"at10000": 1.0}, ["ms a question, 10,000 originals"]),
        ({"at100000": 10.0}, ["ms a question, 100,000 originals"]),
    ],
)
def test_a_bar_that_is_missed_is_called_so(changed: dict[str, float], missed: list[str]) -> None:
    report = report_of(**changed)
    assert [bar.what for bar in bars(report) if not bar.met] == missed
    assert markdown(report, "faq.svg").count("**missed**") == len(missed)


@pytest.mark.data
def test_accuracy_is_measured_over_seeds(capsys: pytest.CaptureFixture[str]) -> None:
    require_data("covidq")
    faq_accuracy.main(["--seeds", "2", "--only", "COVID-Q, train3"])
    row = capsys.readouterr().out.splitlines()[-1]
    assert row.startswith(("| COVID-Q, train3 | 0.4", "| COVID-Q, train3 | 0.5"))
