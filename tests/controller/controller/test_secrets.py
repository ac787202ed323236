"""When Secrets are asked for, and when they are not."""

from __future__ import annotations

from typing import Any, cast

import pytest

from scoring_operator.controller.secrets import KnownSecrets, MissingSecrets, required_secrets
from scoring_operator.kube import Client, Forbidden
from tests.controller.builders import resource, service
from tests.controller.controller.fakes import FakeApi, World

KEYS = {"auth": {"apiKeys": {"secretName": "keys"}}}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys", "namespace": "ml"}}


def exposed(**tls: Any) -> dict[str, Any]:
    return {"exposure": {"host": "faq.example.com", "tls": {"secretName": "tls", **tls}}}


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        ({}, []),
        (KEYS, ["keys"]),
        (exposed(), ["tls"]),
        (exposed(issuerRef={"name": "ca"}), []),
        ({**KEYS, **exposed()}, ["keys", "tls"]),
        ({**KEYS, **exposed(secretName="keys")}, ["keys"]),
        ({"imagePullSecrets": [{"name": "registry"}]}, []),
    ],
)
def test_what_must_be_there(spec: dict[str, Any], names: list[str]) -> None:
    assert required_secrets(service(spec)) == names


async def test_one_that_is_there_is_asked_for_at_a_new_generation_and_at_the_slow_resync() -> None:
    world = World()
    world.api.put(SECRET)
    world.user_applies(resource(KEYS))
    await world.settle()
    await world.look()
    assert world.api.calls == []
    world.user_applies(resource({**KEYS, "replicas": 2}, generation=2))
    await world.settle()
    world.user_applies(resource({**KEYS, "replicas": 2}, generation=3))
    await world.look()
    assert world.api.calls.count(("get", "Secret")) == 1
    await world.settle()
    await world.look(later=540)
    assert world.api.calls == [("get", "Secret")]


async def test_one_that_is_missing_is_asked_for_every_half_minute_and_found() -> None:
    world = World()
    world.user_applies(resource(KEYS))
    await world.settle()
    assert "keys" in world.condition("Ready")["message"]
    again = await world.look(later=1)
    assert world.api.calls == []
    assert again == 30
    await world.look(later=30)
    assert world.api.calls == [("get", "Secret")]
    world.api.put(SECRET)
    await world.look(later=30)
    await world.look()
    assert world.condition("Ready")["reason"] != "SecretNotFound"


async def test_whoever_may_not_look_at_secrets_says_nothing_about_them() -> None:
    api = FakeApi()
    api.failures["get", "Secret"] = Forbidden("no")
    secrets = MissingSecrets(cast("Client", api))
    assert await secrets.among(service(KEYS), ["keys"], KnownSecrets()) == []
