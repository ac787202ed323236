"""The metrics that documents, alerts, the dashboard and the adapter's rule name exist."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from scoring_operator.manifests.horizontal_pod_autoscaler import REQUESTS_METRIC
from scoring_operator.wiring.metrics import Metrics as OperatorMetrics
from scoring_server.http import metrics as server
from scoring_server.http.service import BackendInfo, ModelInfo

REPOSITORY = Path(__file__).parents[2]
OPERATIONS = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
ADAPTER = REPOSITORY / "examples" / "prometheus-adapter" / "values.yaml"
DASHBOARD = REPOSITORY / "charts" / "scoring-operator" / "dashboards" / "scoring.json"
# What Prometheus adds to the samples of a pod.
TARGET_LABELS = {"namespace", "pod", "le"}


def of_server() -> str:
    shown = server.Metrics()
    batches = shown.batches()
    shown.request_answered("/score", 200, 0.1)
    shown.refused("busy")
    shown.model_loaded(
        ModelInfo("faq-matching", "faq", "sha256:0", weights="trained", source="faq.csv"),
        BackendInfo(name="numpy", precision="fp32", device="cpu"),
    )
    batches.batch_computed(1, 0.1)
    batches.item_expired()
    return shown.render().decode()


def of_operator() -> str:
    shown = OperatorMetrics(
        queue_depth=lambda: 0, leads=lambda: True, reasons=lambda: ["AllReplicasReady"]
    )
    shown.look("success", 0.1)
    shown.request("get", "pods", 200, 0.1)
    return shown.render().decode()


def samples() -> dict[str, set[str]]:
    """The labels of every sample that the server and the operator can show."""
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(of_server() + of_operator()):
        found.setdefault(family.name, set())
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
            if sample.name.endswith("_count"):  # tables name the histogram itself
                found.setdefault(sample.name.removesuffix("_count"), set()).update(sample.labels)
    return found


def expressions() -> list[str]:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    (alerts,) = re.findall(r"Worth an alert:\n\n```text\n(.*?)```", OPERATIONS, re.DOTALL)
    queries = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    return [*queries, *alerts.splitlines()]


def selectors(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Each metric of a PromQL expression with the labels that are selected or grouped by."""
    grouped = {
        label.strip()
        for labels in re.findall(r"by \(([^)]*)\)", expression)
        for label in labels.split(",")
    }
    for name, labels in re.findall(r"(scoring_\w+)(\{[^}]*\})?", expression):
        yield name, grouped | set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", labels))


@pytest.mark.parametrize(
    "expression", [pytest.param(text, id=f"{n}") for n, text in enumerate(expressions())]
)
def test_dashboard_and_alerts_name_metrics_and_labels_that_exist(expression: str) -> None:
    known = samples()
    found = list(selectors(expression))
    assert found
    for name, labels in found:
        assert name in known
        assert labels - TARGET_LABELS <= known[name], name


def test_the_documented_metrics_exist_with_their_labels_and_none_is_missing() -> None:
    known = samples()
    documented = re.findall(r"^\| `(scoring_\w+)(?:\{([^}]*)\})?` \|", OPERATIONS, re.MULTILINE)
    for name, labels in documented:
        assert {label for label in labels.split(",") if label not in ("", "…")} <= known[name], name
    families = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in text_string_to_metric_families(of_server() + of_operator())
        if family.name.startswith("scoring_") and not family.name.endswith("_created")
    }
    assert families == {name for name, _ in documented}


def test_the_dashboard_can_be_imported() -> None:
    dashboard: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    identifiers = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(identifiers)) == len(identifiers)
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]+)\}?", json.dumps(dashboard["panels"])))
    assert used == variables


def test_the_adapters_rule_gives_the_metric_that_the_autoscaler_asks_for() -> None:
    rules = yaml.safe_load(ADAPTER.read_text(encoding="utf-8"))["rules"]
    (custom,) = rules["custom"]
    assert custom["seriesQuery"].startswith(f"{REQUESTS_METRIC}{{")
    assert REQUESTS_METRIC in samples()
    (external,) = rules["external"]
    example = REPOSITORY / "examples" / "autoscaling-external.yaml"
    (metric,) = yaml.safe_load(example.read_text())["spec"]["autoscaling"]["metrics"]
    assert external["name"]["as"] == metric["name"]
