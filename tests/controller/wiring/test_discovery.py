"""Waiting for an API server that serves what is to be watched."""

import logging
from collections.abc import Callable
from typing import cast

import pytest

from scoring_operator.kube import Client, NotFound, ResourceType, Unreachable
from scoring_operator.wiring.discovery import wait_for_kinds

DEPLOYMENTS = ResourceType("apps/v1", "Deployment", "deployments")
SERVICES = ResourceType("scoring.dev/v1alpha1", "ScoringService", "scoringservices")


class FakeDiscovery:
    """Answers for the ScoringService, one after the other; then True."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.answers = list(answers)

    async def discover(self, kind: ResourceType) -> bool:
        answer = self.answers.pop(0) if kind is SERVICES and self.answers else True
        if isinstance(answer, Exception):
            raise answer
        return answer


Wait = Callable[[FakeDiscovery], None]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([], []),
        ([False, False], ["it does not serve ScoringService (scoring.dev/v1alpha1)"]),
        ([NotFound("no such group")], ["it does not serve ScoringService (scoring.dev/v1alpha1)"]),
        (
            [Unreachable("refused"), Unreachable("refused"), False],
            ["refused", "it does not serve ScoringService (scoring.dev/v1alpha1)"],
        ),
    ],
)
async def test_it_waits_and_says_once_for_what(
    answers: list[bool | Exception], said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    fake = FakeDiscovery(*answers)
    with caplog.at_level(logging.WARNING):
        await wait_for_kinds(cast("Client", fake), [DEPLOYMENTS, SERVICES], pause=0)
    assert fake.answers == []
    assert [record.getMessage() for record in caplog.records] == [
        f"waiting for the API server: {text}" for text in said
    ]
