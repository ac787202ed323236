"""Empty values say nothing to the API server, which drops them: a manifest has none."""

from typing import Any


def without_empty(value: Any) -> Any:
    """A copy without None, empty lists and empty maps, however deep."""
    if isinstance(value, dict):
        kept = {key: without_empty(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in (None, {}, [])}
    if isinstance(value, list):
        return [without_empty(item) for item in value]
    return value
