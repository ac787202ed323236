"""Two services that ask for one host: the older has it, until it goes."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.e2e.api import Api, Object, condition, eventually, stays
from tests.e2e.conftest import unused_namespace
from tests.e2e.process import OperatorProcess
from tests.e2e.resources import scoring_service

pytestmark = [pytest.mark.api, pytest.mark.usefixtures("operator")]


@pytest.fixture
def host() -> str:
    return f"{unused_namespace()}.example.com"


@pytest.fixture
def other(api: Api) -> Iterator[str]:
    """Another namespace."""
    name = unused_namespace()
    api.create_namespace(name)
    yield name
    api.request("DELETE", f"/api/v1/namespaces/{name}")


def exposed(api: Api, namespace: str, name: str, host: str, path: str = "/") -> Object:
    exposure = {"host": host, "path": path}
    return api.apply(scoring_service(namespace, name, exposure=exposure))


def has_route(api: Api, namespace: str, name: str) -> bool:
    return api.find("Ingress", namespace, name) is not None


def reason(api: Api, namespace: str, name: str) -> str:
    found = api.get("ScoringService", namespace, name)
    return str(condition(found, "Ready").get("reason", ""))


def contest(api: Api, namespace: str, other: str, host: str) -> None:
    """An older service with the host, and a younger one of another namespace that wants it."""
    exposed(api, namespace, "older", host)
    eventually(lambda: has_route(api, namespace, "older"), "the older one is exposed")
    time.sleep(1.1)  # creation times have whole seconds
    exposed(api, other, "younger", host)
    eventually(lambda: reason(api, other, "younger") == "HostConflict", "the conflict is told")


def test_the_younger_one_runs_and_is_not_exposed(
    api: Api, namespace: str, other: str, host: str
) -> None:
    contest(api, namespace, other, host)
    message = condition(api.get("ScoringService", other, "younger"), "Ready")["message"]
    assert f"{namespace}/older" in message
    assert api.find("Deployment", other, "younger")
    stays(lambda: not has_route(api, other, "younger"), "it is not exposed", 1)
    assert reason(api, namespace, "older") != "HostConflict"


@pytest.mark.parametrize("end", ["deleted", "another host", "another path"])
def test_it_is_exposed_as_soon_as_the_older_one_goes(
    api: Api, namespace: str, other: str, host: str, end: str
) -> None:
    contest(api, namespace, other, host)
    if end == "deleted":
        api.delete("ScoringService", namespace, "older")
    elif end == "another host":
        exposed(api, namespace, "older", f"a.{host}")
    else:
        exposed(api, namespace, "older", host, "/faq")
    eventually(lambda: has_route(api, other, "younger"), "the younger one is exposed")
    eventually(lambda: reason(api, other, "younger") != "HostConflict", "and told so")


def test_what_was_exposed_before_is_neither_changed_nor_deleted(
    api: Api, namespace: str, other: str, host: str
) -> None:
    exposed(api, namespace, "older", f"a.{host}")
    time.sleep(1.1)
    exposed(api, other, "younger", host)
    eventually(lambda: has_route(api, other, "younger"), "the younger one is exposed")
    before = api.get("Ingress", other, "younger")
    exposed(api, namespace, "older", host)
    eventually(lambda: reason(api, other, "younger") == "HostConflict", "the conflict is told")
    eventually(
        lambda: api.get("Ingress", namespace, "older")["spec"]["rules"][0]["host"] == host,
        "the older one has the host",
    )
    assert api.get("Ingress", other, "younger") == before


def test_services_share_a_host_by_paths(
    api: Api, namespace: str, other: str, host: str, operator: OperatorProcess
) -> None:
    exposed(api, namespace, "older", host, "/faq")
    exposed(api, other, "younger", host, "/images")
    eventually(lambda: has_route(api, namespace, "older"), "one is exposed")
    eventually(lambda: has_route(api, other, "younger"), "so is the other")
