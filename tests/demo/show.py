"""The demo itself: install, apply, watch, ask, classify, and say how to go on."""

import csv
import json
import time
from pathlib import Path
from typing import Any

from tests.cluster.console import step
from tests.cluster.errors import ClusterError
from tests.cluster.paths import REPOSITORY
from tests.demo.target import CLUSTER, EXAMPLES
from tests.deploy import chart, scoring
from tests.deploy.images import Images
from tests.deploy.target import Target

QUESTION = "how can i make a copy of an object so that changing it leaves the first one alone"
_READY_SECONDS = 600
_POLL_SECONDS = 2.0


def show(target: Target, images: Images, photo: Path) -> None:
    """Run the demo on a prepared cluster."""
    with step("installing the operator from its chart"):
        chart.install(target, images)
    with step(f"applying {' and '.join(f'examples/{name}.yaml' for name in EXAMPLES)}"):
        for name in EXAMPLES:
            target.run("kubectl", "apply", "--filename", f"examples/{name}.yaml")
    with step("waiting until both ScoringServices are Ready"):
        _wait_until_ready(target)
    _title("kubectl get scoringservices")
    print(target.run("kubectl", "get", "scoringservices"))
    _ask(target)
    _classify(target, photo)
    _how_to_go_on(target)


def _wait_until_ready(target: Target) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    shown = ""
    while True:
        services = {name: _condition(target, name) for name in EXAMPLES}
        lines = "\n".join(f"    {name}: {reason}" for name, (_, reason) in services.items())
        if lines != shown:
            print(lines, flush=True)
            shown = lines
        if all(ready for ready, _ in services.values()):
            return
        if time.monotonic() > deadline:
            raise ClusterError(f"not Ready within {_READY_SECONDS} s:\n{lines}")
        time.sleep(_POLL_SECONDS)


def _condition(target: Target, name: str) -> tuple[bool, str]:
    found: dict[str, Any] = json.loads(
        target.run("kubectl", "get", "scoringservice", name, "--output", "json")
    )
    status = found.get("status", {})
    current = status.get("observedGeneration") == found["metadata"]["generation"]
    ready = next((item for item in status.get("conditions", []) if item["type"] == "Ready"), None)
    if ready is None or not current:
        return False, "not seen by the operator yet"
    return ready["status"] == "True", f"{ready['reason']} ({ready['message']})"


def _ask(target: Target) -> None:
    with scoring.forwarded(target, "faq") as url:
        body = json.dumps({"input": QUESTION, "top": 3}).encode()
        answer = scoring.post(f"{url}/score", body, "application/json")
    ranking, took = answer["result"]
    _title(f"POST /score: {QUESTION}?")
    known = _questions()
    for original, _answer, probability in ranking:
        print(f"  {probability:6.1%}  {known.get(str(original), original)}")
    print(f"  {took}\n")


def _questions() -> dict[str, str]:
    """The texts of the shipped FAQ's questions by their id."""
    with (REPOSITORY / "scoring_image/faq_data/originals.csv").open(encoding="utf-8") as file:
        return {row["Id"]: row["Text"] for row in csv.DictReader(file)}


def _classify(target: Target, photo: Path) -> None:
    kind = "image/png" if photo.suffix.lower() == ".png" else "image/jpeg"
    with scoring.forwarded(target, "image-cpu") as url:
        answer = scoring.post(f"{url}/score", photo.read_bytes(), kind)
        model = scoring.get(f"{url}/version")["model"]
    (classes,), took = list(answer["result"][0].values()), answer["result"][1]
    _title(f"POST /score: {photo.name}, with {model['name']} (weights: {model['weights']})")
    if not model["name"].startswith("resnet152"):
        print("  ResNet-152's ImageNet weights could not be downloaded when the image was built;")
        print("  EfficientNet-Lite0 answers in its place, with real weights of its own.")
    for label, probability in classes:
        print(f"  {probability:6.1%}  {label}")
    print(f"  {took}\n")


def _how_to_go_on(target: Target) -> None:
    _title("try it yourself")
    if target.embedded:
        print(f'  eval "$(python3 -m tests.cluster env --name {CLUSTER})"')
    print("  kubectl get scoringservices --watch")
    print("  kubectl scale scoringservice faq --replicas=3")
    print("  kubectl port-forward service/faq 8080:80 &")
    print("  curl -s localhost:8080/score -H 'Content-Type: application/json' \\")
    print('    -d \'{"input": "how do I get rid of duplicates in my list", "top": 3}\'')
    print("  and in a browser: http://localhost:8080/ui")
    context = "" if target.embedded else f" CONTEXT={target.context}"
    print(f"\n  make demo PHOTO=photo.jpg     another photograph\n  make demo-clean{context}")


def _title(text: str) -> None:
    print(f"\n── {text}", flush=True)
