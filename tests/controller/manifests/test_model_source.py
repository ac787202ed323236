"""What a model by URL asks scoring-fetch for."""

from typing import Any

from scoring_operator.manifests import Platform, render
from tests.controller.builders import service

SOURCE = {"url": "https://models.example.com/faq.tar", "sha256": "0" * 64}


def fetch(platform: Platform) -> list[str]:
    asked = service({"model": {"type": "faq-matching", "source": SOURCE}})
    deployment: Any = next(
        child for child in render(asked, platform) if child["kind"] == "Deployment"
    )
    command: list[str] = deployment["spec"]["template"]["spec"]["initContainers"][0]["command"]
    return command


def test_private_networks_are_the_operators_decision() -> None:
    standard = fetch(Platform())
    assert "--private-addresses" not in standard
    for choice in ("never", "always"):
        changed = fetch(Platform(private_model_urls=choice))
        assert changed == [*standard, "--private-addresses", choice]
