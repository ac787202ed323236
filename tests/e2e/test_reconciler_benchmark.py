"""The benchmark of the operator at scale: it runs, and it counts right."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import reconciler, reconciler_audit
from benchmarks.reconciler_report import bars, markdown, plot


def audited(verb: str, resource: str, name: str, began: int, ended: int, **more: object) -> str:
    reference = {"resource": resource, "name": name, **more.pop("reference", {})}  # type: ignore[dict-item]
    event = {
        "verb": verb,
        "objectRef": reference,
        "userAgent": "scoring-operator",
        "responseStatus": {"code": 201},
        "requestReceivedTimestamp": f"2026-01-01T00:00:{began:02}.000000Z",
        "stageTimestamp": f"2026-01-01T00:00:{ended:02}.500000Z",
        **more,
    }
    return json.dumps(event) + "\n"


def test_the_audit_log_is_read_from_a_moment_on_and_of_one_client(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text(audited("patch", "services", "old", 1, 1))
    since = reconciler_audit.offset(log)
    with log.open("a") as lines:
        lines.write(audited("create", "scoringservices", "faq", 2, 2, userAgent="bare-client"))
        lines.write(audited("patch", "services", "faq", 3, 3))
        lines.write(audited("patch", "deployments", "faq", 4, 5))
        lines.write(audited("watch", "deployments", "", 4, 5))
        lines.write(audited("update", "leases", "lead", 4, 5))
        status = {"reference": {"subresource": "status"}, "responseStatus": {"code": 200}}
        lines.write(audited("patch", "scoringservices", "faq", 6, 9, **status))
    made = list(reconciler_audit.calls(log, since, "scoring-operator"))
    assert reconciler_audit.counts(made) == {
        "patch deployments": 1,
        "patch scoringservices/status": 1,
        "patch services": 1,
    }
    created = list(reconciler_audit.calls(log, since, "bare-client"))
    assert reconciler_audit.latencies(created, made) == [3.5], "until the last child was answered"


def test_the_soonest_retry_is_that_of_the_same_call(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    refusal = {"responseStatus": {"code": 429}}
    log.write_text(
        audited("patch", "services", "faq", 1, 1, **refusal)
        + audited("patch", "services", "other", 2, 2, **refusal)
        + audited("patch", "deployments", "faq", 2, 2)
        + audited("patch", "services", "faq", 4, 4)
        + audited("patch", "services", "other", 9, 9)
    )
    made = list(reconciler_audit.calls(log, 0, "scoring-operator"))
    assert reconciler_audit.soonest_retry(made) == 2.5
    assert reconciler_audit.soonest_retry(made[2:]) is None


def test_percentiles_are_milliseconds() -> None:
    found = reconciler_audit.percentiles([number / 1000 for number in range(101)])
    assert (round(found["p50"]), round(found["p99"])) == (50, 99)


def figures(**more: Any) -> dict[str, Any]:
    base = {"callsEach": {"get services": 1.0}, "writes": 0, "calls": 0, "refused": 0}
    return {**base, "cpuSeconds": 1.0, "seconds": 2.0, **more}


def report(children_seconds: float) -> dict[str, Any]:
    one = figures(count=50, milliseconds={"p50": 40.0, "p99": 90.0})
    wave = {"childrenSeconds": children_seconds, "quietSeconds": 30.0, "megabytes": 100.0}
    wave["peakMegabytes"] = 110.0
    return {
        "cores": 2,
        "when": "2026-01-01",
        "operator": {
            "count": 1000,
            "emptyMegabytes": 60.0,
            "one": {"create": one, "update": figures()},
            "create": figures(**wave),
            "rest": figures(),
            "repairs": {"Service edited": {"p50": 20.0, "most": 40.0}},
            "noOp": figures(looks=1000),
            "restart": figures(),
            "rollOut": figures(quietSeconds=20.0),
            "settled": {"megabytes": 99.0, "peakMegabytes": 105.0},
        },
        "bare": {"seconds": 20.0, "cpuSeconds": 3.0, "writesEach": 8.0},
        "trend": {
            "1000": {"operator": children_seconds, "bare": 20.0},
            "100": {"operator": 2.0, "megabytes": 70.0},
        },
        "fairness": {
            "count": 200,
            "refused": 17,
            "childrenSeconds": 9.0,
            "soonestRetrySeconds": 1.1,
        },
    }


@pytest.mark.parametrize(("seconds", "missed"), [(24.0, 0), (25.5, 3)])
def test_the_report_says_which_bars_are_met(tmp_path: Path, seconds: float, missed: int) -> None:
    made = report(seconds)
    assert sum(not bar.met for bar in bars(made)) == missed, (
        "of the bare client, twice, and KServe's"
    )
    text = markdown(made)
    assert text.count("**missed**") == missed
    assert "17 answers 429" in text
    plot(made, tmp_path / "a.svg")
    plot(made, tmp_path / "b.svg")
    drawn = (tmp_path / "a.svg").read_text()
    assert "KServe 0.20" in drawn
    assert drawn == (tmp_path / "b.svg").read_text(), "the same figures, the same bytes"


def test_what_a_run_that_was_cut_short_has_kept_can_be_reported() -> None:
    steps: dict[str, Any] = report(24.0)["operator"]
    for kept in range(len(steps) + 1):
        cut = {"cores": 2, "when": "today", "operator": dict(list(steps.items())[:kept])}
        text = markdown(cut)
        assert all(bar.what in text for bar in bars(cut))
    assert "restart" in text
    assert "bar" not in markdown({"cores": 2, "when": "today"})


@pytest.mark.api
@pytest.mark.timeout(1500)
def test_the_quick_run_measures_every_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, long: bool
) -> None:
    if not long:
        pytest.skip("several control planes, one after the other: needs --long")
    command = ["reconciler", "--quick", "--output", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", command)
    reconciler.main()
    found = json.loads((tmp_path / "reconciler.json").read_text())
    operator = found["operator"]
    assert operator["noOp"]["looks"] >= operator["count"]
    assert operator["noOp"]["writes"] == operator["restart"]["writes"] == 0
    assert operator["one"]["create"]["callsEach"]["patch deployments"] == 2, "and its replicas"
    assert found["bare"]["writesEach"] == pytest.approx(
        operator["create"]["writes"] / operator["count"], rel=0.15
    ), "the same writes"
    assert found["fairness"]["refused"] > 0
    assert found["fairness"]["soonestRetrySeconds"] >= 1, "as Retry-After says"
    assert set(found["trend"]) == {"10"}
    text = (tmp_path / "reconciler.md").read_text()
    assert text == markdown(found)
    assert all(bar.what in text for bar in bars(found))
    assert {harm.rpartition(" ")[2] for harm in operator["repairs"]} == {"edited", "deleted"}
    assert "resources at once" in (tmp_path / "reconciler.svg").read_text()
