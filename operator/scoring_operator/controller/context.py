"""What the current task works on, for every line that it logs."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar

about: ContextVar[Mapping[str, object]] = ContextVar("about", default={})  # noqa: B039  # a Mapping: never changed in place
"""Namespace, name and generation of the resource that this task looks at."""
