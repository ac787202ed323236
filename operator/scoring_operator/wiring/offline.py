"""Rendering without a cluster: what reviewers of a change in Git want to see."""

from __future__ import annotations

import re
from typing import Any

import yaml

from scoring_operator.api import InvalidResource, ScoringService
from scoring_operator.manifests import Platform, render


class _Dumper(yaml.SafeDumper):
    """Quotes a text that is only a letter: kubectl takes a plain y or n for a truth value."""


_Dumper.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^[yYnN]$"), list("yYnN"))


def render_documents(text: str, platform: Platform) -> tuple[str, list[str]]:
    """The manifests that YAML documents of ScoringServices lead to, as YAML; and the faults.

    Owner references are left out, for the uid is known only to the cluster. Each fault names its
    document, counted from 1.
    """
    try:
        documents = list(yaml.safe_load_all(text))
    except yaml.YAMLError as error:
        return "", [f"not YAML: {error}"]
    manifests: list[dict[str, Any]] = []
    faults = []
    for number, document in enumerate(documents, start=1):
        if document is None:
            continue
        try:
            manifests += render(_parse(document), platform)
        except InvalidResource as error:
            faults.append(f"document {number}{_name(document)}: {error}")
    if not manifests and not faults:
        faults.append("there is no ScoringService in it")
    for manifest in manifests:
        manifest["metadata"].pop("ownerReferences", None)
    return yaml.dump_all(manifests, Dumper=_Dumper, sort_keys=False), faults


def _parse(document: object) -> ScoringService:
    if not isinstance(document, dict):
        raise InvalidResource("not a Kubernetes object")
    return ScoringService.parse(document)


def _name(document: object) -> str:
    metadata = document.get("metadata") if isinstance(document, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return f" ({name})" if name else ""
