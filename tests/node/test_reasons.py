"""Reasons that only real containers give, and that they clear when the cause goes.

All services are started at once, in one namespace, and each test waits for its own: what one waits
for, a back-off or a deadline, passes for the others too.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.node.conftest import Product
from tests.node.namespace import Namespace, poll
from tests.node.slow_server import SlowServer

pytestmark = pytest.mark.node

QUICK = {"startup": {"timeoutSeconds": 29}, "rollout": {"progressDeadlineSeconds": 30}}
FAST = {"rollout": {"drainSeconds": 0}}
GPU = {"model": {"type": "image-classification"}, "hardware": {"type": "gpu"}}


def keys(secret: str) -> dict[str, Any]:
    return {"auth": {"apiKeys": {"secretName": secret}}, **FAST}


@pytest.fixture(scope="module")
def slow_server(product: Product) -> Iterator[SlowServer]:
    if product.cluster.host_address is None:
        pytest.skip("needs an address of this machine that the cluster's pods reach")
    with SlowServer(product.cluster.host_address) as server:
        yield server


@dataclass(frozen=True)
class History:
    """Every reason that Ready of each service had, in order, as a watch delivers them."""

    file: Path

    def of(self, name: str) -> list[str]:
        whole, _, _ = self.file.read_text().rpartition("\n")
        lines = [line.split() for line in whole.splitlines()]
        return [line[1] for line in lines if line[0] == name and len(line) == 2]


@pytest.fixture(scope="module")
def history(
    product: Product, empty_namespace: Namespace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[History]:
    reason = '{.status.conditions[?(@.type=="Ready")].reason}'
    told = "jsonpath={.metadata.name} " + reason + '{"\\n"}'
    watch = ("get", "scoringservices", "--watch", "--output", told)
    command = product.target.command("kubectl", "--namespace", empty_namespace.name, *watch)
    file = tmp_path_factory.mktemp("history") / "reasons"
    with (
        file.open("w") as output,
        subprocess.Popen(command, stdout=output, env=dict(product.target.environment)) as process,
    ):
        told_so_far = History(file)
        # One that is told of shows that the watch has begun.
        empty_namespace.serve("first", suspend=True)
        begun = poll(lambda: told_so_far.of("first") or None, 90)
        empty_namespace.run("delete", "scoringservice", "first")
        assert begun, "the watch tells nothing"
        yield told_so_far
        process.terminate()


@pytest.fixture(scope="module")
def empty_namespace(product: Product) -> Iterator[Namespace]:
    made = Namespace(product.target, f"reasons-{os.getpid()}")
    made.create()
    yield made
    made.delete()


@pytest.fixture(scope="module")
def services(
    product: Product, slow_server: SlowServer, empty_namespace: Namespace, history: History
) -> Namespace:
    """One service for each reason, all started."""
    made = empty_namespace
    for secret, literals in (("good", ["--from-literal=a=0123456789abcdef"]), ("empty", [])):
        made.run("create", "secret", "generic", secret, *literals)
    slow = {"model": {"type": "faq-matching", "source": slow_server.source}}
    made.serve("whole", **keys("good"))
    made.serve("no-name", image="localhost/UPPER:1")
    made.serve("other-program", image=product.images.operator, **FAST)
    made.serve("no-keys", **keys("empty"))
    made.serve("late", **slow, **QUICK)
    made.serve("gpu", **GPU)
    return made


def change(services: Namespace, name: str, spec: dict[str, Any]) -> None:
    text = json.dumps({"spec": spec})
    services.run("patch", "scoringservice", name, "--type=merge", "--patch", text)


def stalls(services: Namespace, name: str, reason: str, seconds: float = 240) -> None:
    def look() -> bool | None:
        return services.conditions(name).get("Stalled", {}).get("reason") == reason or None

    assert poll(look, seconds), services.conditions(name)


def test_a_pod_on_a_cpu_sees_no_gpu(services: Namespace) -> None:
    services.wait_ready("whole")
    seen = services.run("exec", "deployment/whole", "--", "printenv", "NVIDIA_VISIBLE_DEVICES")
    assert seen.strip() == "void"


def test_a_node_without_gpus_is_told_in_the_schedulers_words(services: Namespace) -> None:
    ready = services.wait_reason("gpu", "InsufficientAccelerators")
    assert "Insufficient nvidia.com/gpu" in ready["message"]
    services.run("delete", "scoringservice", "gpu")


def test_a_name_that_is_none_of_an_image_is_told(services: Namespace) -> None:
    ready = services.wait_reason("no-name", "ImagePullFailed")
    assert "must be lowercase" in ready["message"]
    change(services, "no-name", {"image": None})
    services.wait_reason("no-name", "AllReplicasReady")


def test_an_image_of_another_program_is_told_with_its_last_words(services: Namespace) -> None:
    ready = services.wait_reason("other-program", "CrashLooping")
    assert ready["message"].startswith("0 of 1 replicas ready; pod other-program-")
    assert services.get("scoringservice", "other-program")["status"]["lastFailure"]["pod"]
    change(services, "other-program", {"image": None})
    services.wait_reason("other-program", "AllReplicasReady")


def test_on_its_way_a_service_says_what_it_does(services: Namespace, history: History) -> None:
    services.wait_ready("whole")
    for name in ("whole", "late"):
        assert poll(partial(is_in, history, name, "ModelLoading"), 90), history.of(name)
        assert history.of(name)[0] == "RolloutInProgress"
    # The watch tells it a moment later.
    assert poll(partial(is_in, history, "whole", "AllReplicasReady"), 90), history.of("whole")


def is_in(history: History, name: str, reason: str) -> bool | None:
    return reason in history.of(name) or None


def test_past_its_deadline_a_download_that_goes_on_and_on_is_stalled(services: Namespace) -> None:
    stalls(services, "late", "RolloutDeadlineExceeded")
    ready = services.conditions("late")["Ready"]
    assert ready["reason"] == "RolloutDeadlineExceeded"
    assert "has timed out progressing" in ready["message"]
    change(services, "late", {"model": {"source": None}})
    services.wait_reason("late", "AllReplicasReady")
    assert "Stalled" not in services.conditions("late")


def test_a_secret_without_keys_is_told_and_stalls_until_it_has_one(services: Namespace) -> None:
    ready = services.wait_reason("no-keys", "ConfigurationInvalid")
    assert "/etc/scoring/api-keys" in ready["message"] or "key" in ready["message"]
    stalls(services, "no-keys", "ConfigurationInvalid", 300)
    data = json.dumps({"stringData": {"a": "0123456789abcdef"}})
    services.run("patch", "secret", "empty", "--patch", data)
    services.wait_reason("no-keys", "AllReplicasReady", 300)


def test_a_secret_that_goes_is_told_and_its_pods_serve_on(services: Namespace) -> None:
    services.wait_ready("whole")
    before = [pod["metadata"]["uid"] for pod in services.pods("whole")]
    services.run("delete", "secret", "good")
    # A Secret that was found is looked for again after minutes, or when the resource changes.
    change(services, "whole", {"monitoring": {"podMonitor": "Disabled"}})
    ready = services.wait_reason("whole", "SecretNotFound")
    assert "good (auth.apiKeys)" in ready["message"]
    assert services.conditions("whole")["Available"]["message"] == "1 pod serves"
    assert [pod["metadata"]["uid"] for pod in services.pods("whole")] == before
    services.run("create", "secret", "generic", "good", "--from-literal=a=0123456789abcdef")
    services.wait_reason("whole", "AllReplicasReady")
