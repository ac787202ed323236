"""Kinds that a cluster gets later, and loses: the operator notices without a restart."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from scoring_operator.wiring.optional_kinds import POLL_SECONDS
from tests.e2e.api import Api, Object, audited, call, condition, eventually, stays
from tests.e2e.conftest import Launch
from tests.e2e.crds import install, uninstall
from tests.e2e.process import OperatorProcess, wait_for_quiet
from tests.e2e.resources import scoring_service
from tests.e2e.settled import wait_until_settled

pytestmark = pytest.mark.api

NOTICED_SECONDS = POLL_SECONDS + 60
GATEWAY: Object = {
    "api": "Gateway",
    "host": "faq.example.com",
    "gateway": {"parentRef": {"name": "public"}},
}


@pytest.fixture
def bare(api: Api) -> Iterator[None]:
    """None of the kinds that the tests use is there, before and after."""
    uninstall(api, "HTTPRoute")
    uninstall(api, "PodMonitor")
    yield
    uninstall(api, "HTTPRoute")
    uninstall(api, "PodMonitor")


def ready_reason(api: Api, namespace: str) -> str:
    found = api.find("ScoringService", namespace, "faq")
    return str(condition(found, "Ready").get("reason", ""))


def route(api: Api, namespace: str) -> Object | None:
    return api.find("HTTPRoute", namespace, "faq")


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("scope", ["one namespace", "all namespaces"])
def test_a_kind_that_is_installed_later_is_noticed_and_its_loss_too(
    api: Api, namespace: str, launch: Launch, audit_log: Path, scope: str
) -> None:
    operator = launch(None if scope == "all namespaces" else namespace)
    api.apply(scoring_service(namespace, exposure=GATEWAY))
    eventually(
        lambda: ready_reason(api, namespace) == "GatewayAPINotInstalled", "the absence is told"
    )
    assert api.find("Deployment", namespace, "faq"), "what can be applied is applied"
    wait_until_settled(api, namespace, operator)
    offset = audit_log.stat().st_size
    time.sleep(2)
    assert list(audited(audit_log, offset, namespace=namespace)) == []

    install(api, "HTTPRoute")
    eventually(lambda: route(api, namespace), "the routes are made", NOTICED_SECONDS)
    eventually(
        lambda: ready_reason(api, namespace) != "GatewayAPINotInstalled", "the presence is told"
    )
    api.delete("HTTPRoute", namespace, "faq")
    # Nothing else would tell of it for minutes.
    eventually(lambda: route(api, namespace), "a deleted route comes back by its watch")
    assert operator.is_ready()

    uninstall(api, "HTTPRoute")
    eventually(
        lambda: ready_reason(api, namespace) == "GatewayAPINotInstalled",
        "the loss is told",
        NOTICED_SECONDS,
    )
    install(api, "HTTPRoute")
    eventually(lambda: route(api, namespace), "the routes are made again", 2 * NOTICED_SECONDS)
    stays(operator.is_ready, "the process is as it was", 1)
    assert operator.stop() == 0


@pytest.mark.usefixtures("bare")
def test_a_kind_that_is_there_at_the_start_is_known_before_the_first_look(
    api: Api, namespace: str, launch: Launch, audit_log: Path
) -> None:
    install(api, "HTTPRoute")
    operator = launch(namespace)
    api.apply(scoring_service(namespace, exposure=GATEWAY))
    # Later than that it would be the poll that has noticed the kind.
    eventually(lambda: route(api, namespace), "the routes are made", 0.8 * POLL_SECONDS)
    wait_until_settled(api, namespace, operator)
    operator.stop()
    offset = audit_log.stat().st_size
    operator = launch(namespace)
    wait_for_quiet(operator)
    calls = Counter(call(event) for event in audited(audit_log, offset, namespace=namespace))
    assert {name.partition(" ")[0] for name in calls} == {"list"}, "nothing is read nor written"
    assert calls["list httproutes"] == 1


@pytest.mark.usefixtures("bare")
def test_a_kind_that_comes_and_goes_makes_no_noise(
    api: Api, namespace: str, launch: Launch
) -> None:
    operator = launch(namespace)
    install(api, "PodMonitor")
    told(operator, "watching podmonitors")
    uninstall(api, "PodMonitor")
    told(operator, "no longer watching podmonitors")
    noise = [line for line in operator.logged() if line["level"] not in ("info", "debug")]
    # A fresh kind's storage may refuse its first list for a second (429), which is tried again;
    # where the kind is gone before kopf has looked for it, kopf says that once; and discovery may
    # name a kind for a moment longer than it can be watched.
    expected = ("(re)initializing", "Unresolved resources cannot be served", "cannot be watched")
    assert [line for line in noise if not any(words in line["message"] for words in expected)] == []


def told(operator: OperatorProcess, words: str) -> None:
    eventually(
        lambda: any(line["message"].startswith(words) for line in operator.logged()),
        f"the log says: {words}",
        NOTICED_SECONDS,
        pause=0.1,
    )
