"""API keys from a Secret: who may call, and that the keys stay where they are."""

import base64
import json
import secrets
import time
from contextlib import AbstractContextManager
from functools import partial
from urllib.parse import urlsplit

import pytest

from scoring_operator.manifests.pod import PORT
from tests.deploy import chart, scoring
from tests.node.conftest import Product
from tests.node.load import QUESTION
from tests.node.namespace import Namespace, poll
from tests.reliability.figures import record
from tests.server.load.generator import Plan, Running, running
from tests.server.load.ledger import UNSENT

pytestmark = pytest.mark.node

SECRET = "faq-keys"
# The kubelet of the embedded node looks after volumes every 10 s; a cluster's usually every minute.
UPDATE_SECONDS = 120
# "Within about a minute", says docs/operations.md.
ANNOUNCED_SECONDS = 60.0
RATE = 100.0


@pytest.fixture
def keys(namespace: Namespace, product: Product) -> dict[str, str]:
    """Two named keys, in a Secret that a service asks for."""
    if not product.cluster.is_embedded:
        pytest.skip("needs to reach cluster addresses")
    made = {"website": secrets.token_hex(16), "batch": secrets.token_hex(16)}
    write(namespace, made)
    namespace.serve(
        "faq", auth={"apiKeys": {"secretName": SECRET}}, monitoring={"logLevel": "debug"}
    )
    namespace.wait_ready("faq")
    return made


def write(namespace: Namespace, keys: dict[str, str]) -> None:
    """Create or replace the Secret."""
    namespace.run("delete", "secret", SECRET, "--ignore-not-found")
    create(namespace, keys)


def create(namespace: Namespace, keys: dict[str, str]) -> None:
    literals = [f"--from-literal={name}={key}" for name, key in keys.items()]
    namespace.run("create", "secret", "generic", SECRET, *literals)


def change(namespace: Namespace, keys: dict[str, str | None]) -> None:
    """Set some keys, or remove those that are None."""
    data = {
        name: None if key is None else base64.b64encode(key.encode()).decode()
        for name, key in keys.items()
    }
    namespace.run("patch", "secret", SECRET, "--patch", json.dumps({"data": data}))


def status(namespace: Namespace, headers: dict[str, str] | None = None) -> int:
    """The HTTP status of a scoring request."""
    return status_at(namespace.url("faq"), headers)


def status_at(url: str, headers: dict[str, str] | None = None) -> int:
    """The HTTP status of a scoring request to this address."""
    try:
        scoring.post(f"{url}/score", QUESTION, headers=headers)
    except scoring.ScoringError as error:
        return error.code
    return 200


def header(key: str) -> dict[str, str]:
    return {"X-API-Key": key}


def wait_status(namespace: Namespace, key: str, wanted: int) -> None:
    found = poll(lambda: status(namespace, header(key)) == wanted or None, UPDATE_SECONDS)
    assert found, f"not {wanted} within {UPDATE_SECONDS} s"


def test_only_callers_with_a_key_are_answered(namespace: Namespace, keys: dict[str, str]) -> None:
    for key in keys.values():
        assert status(namespace, header(key)) == 200
        assert status(namespace, {"Authorization": f"Bearer {key}"}) == 200
    refused = [None, header(""), header("wrong"), header(keys["batch"][:-1]), header("batch")]
    assert [status(namespace, headers) for headers in refused] == [401] * len(refused)
    with pytest.raises(scoring.ScoringError) as raised:
        scoring.post(f"{namespace.url('faq')}/score", QUESTION)
    assert not any(name in json.dumps(raised.value.body) for name in keys)


def test_health_and_metrics_stay_open(namespace: Namespace, keys: dict[str, str]) -> None:
    assert keys
    for path in ("/healthz/ready", "/healthz/live", "/metrics"):
        assert scoring.text(f"{namespace.url('faq')}{path}")


def seconds_until(namespace: Namespace, key: str, wanted: int) -> float:
    """Seconds until every pod answers the key so."""

    def answers(url: str) -> bool | None:
        return status_at(url, header(key)) == wanted or None

    begin = time.monotonic()
    for pod in namespace.pods("faq"):
        url = f"http://{pod['status']['podIP']}:{PORT}"
        found = poll(partial(answers, url), UPDATE_SECONDS)
        assert found, f"{pod['metadata']['name']} is not at {wanted} within {UPDATE_SECONDS} s"
    return time.monotonic() - begin


def load_with(namespace: Namespace, key: str) -> AbstractContextManager[Running]:
    """A caller that sends this key."""
    address = urlsplit(namespace.url("faq"))
    assert address.hostname is not None
    return running(
        Plan(
            address.port or 80,
            RATE,
            3 * UPDATE_SECONDS,
            (QUESTION.decode(),),
            host=address.hostname,
            headers=header(key),
            fresh=True,
        )
    )


def test_keys_are_rotated_under_load_without_a_restart(
    namespace: Namespace, keys: dict[str, str], long: bool
) -> None:
    """Add the new one, switch the caller over, take the old one out: as docs/operations.md says."""
    namespace.run("scale", "scoringservice", "faq", "--replicas=2")
    namespace.wait_ready("faq")
    pods = [pod["metadata"]["uid"] for pod in namespace.pods("faq")]
    assert len(pods) == 2
    rotations, total, slowest = (3 if long else 1), 0, 0.0
    name, key = "batch", keys["batch"]
    for number in range(rotations):
        new_name, new = f"batch-{number}", secrets.token_hex(16)
        with load_with(namespace, key) as load:
            change(namespace, {new_name: new})
            seconds_until(namespace, new, 200)
            ledgers = [load.stop()]
        with load_with(namespace, new) as load:
            change(namespace, {name: None})
            slowest = max(slowest, seconds_until(namespace, key, 401))
            ledgers.append(load.stop())
        for ledger in ledgers:
            # 503: on a busy machine the pods may get too little CPU for the load, and say so. Or
            # the generator may: then it has no connection left for a request.
            assert set(ledger.statuses) <= {200, 503, UNSENT}, ledger.statuses
            total += len(ledger) - ledger.statuses[UNSENT]
        name, key = new_name, new
    assert slowest < ANNOUNCED_SECONDS
    assert status(namespace, header(keys["website"])) == 200
    after = namespace.pods("faq")
    assert [pod["metadata"]["uid"] for pod in after] == pods
    restarts = [
        item["restartCount"] for pod in after for item in pod["status"]["containerStatuses"]
    ]
    assert restarts == [0, 0]
    record(
        "X5",
        "a Secret, two pods",
        f"{rotations} rotations under {RATE:.0f} requests/s: no 401 among {total} answers; the old "
        f"key refused by all pods within {slowest:.1f} s of the Secret's change, with a kubelet "
        "that looks every 10 s",
    )


def test_a_missing_secret_is_named_and_creating_it_heals(namespace: Namespace) -> None:
    namespace.serve("faq", auth={"apiKeys": {"secretName": SECRET}})
    ready = namespace.wait_reason("faq", "SecretNotFound")
    assert SECRET in ready["message"]
    create(namespace, {"website": secrets.token_hex(16)})
    namespace.wait_ready("faq")


def test_the_values_of_keys_appear_nowhere_but_in_the_secret(
    namespace: Namespace, product: Product, keys: dict[str, str]
) -> None:
    for key in keys.values():
        assert status(namespace, header(key)) == 200
        assert status(namespace, header(f"{key}x")) == 401
    change(namespace, {"website": keys["website"] + "2"})
    wait_status(namespace, keys["website"] + "2", 200)
    kinds = "scoringservice,deployment,replicaset,pod,service,networkpolicy,event,configmap"
    operator = ("--namespace", chart.NAMESPACE, "logs", f"deployment/{chart.RELEASE}")
    places = {
        "objects": namespace.run("get", kinds, "--output", "yaml"),
        "managed fields": namespace.run("get", kinds, "--output", "yaml", "--show-managed-fields"),
        "pods' logs": namespace.run("logs", "--selector", "scoring.dev/name=faq", "--tail=-1"),
        "operator's log": product.target.run("kubectl", *operator, "--all-pods", "--tail=-1"),
        "metrics": scoring.text(f"{namespace.url('faq')}/metrics"),
    }
    for place, text in places.items():
        assert text.strip(), f"no {place}: the test would show nothing"
        for key in keys.values():
            for form in (key, base64.b64encode(key.encode()).decode().rstrip("=")):
                assert form not in text, place
