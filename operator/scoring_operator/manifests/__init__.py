"""Desired state: `render()` turns a ScoringService into its children's manifests. Pure."""

from scoring_operator.manifests.kinds import CHILD_KINDS, ChildKind
from scoring_operator.manifests.platform import Platform
from scoring_operator.manifests.render import Manifest, render

__all__ = ["CHILD_KINDS", "ChildKind", "Manifest", "Platform", "render"]
