"""The notation of labels and tolerations on the command line, as kubectl writes them."""

from argparse import ArgumentTypeError
from typing import Any

from pydantic import TypeAdapter, ValidationError

from scoring_operator.api.pod import Toleration
from scoring_operator.api.types import Labels

_LABELS: TypeAdapter[dict[str, str]] = TypeAdapter(Labels)


def label(text: str) -> tuple[str, str]:
    """`KEY=VALUE` as key and value; ArgumentTypeError if it is no label."""
    key, equals, value = text.partition("=")
    try:
        _LABELS.validate_python({key: value} if equals else None)
    except ValidationError:
        raise ArgumentTypeError(f"{text!r} is not a label: give KEY=VALUE") from None
    return key, value


def toleration(text: str) -> dict[str, Any]:
    """`KEY=VALUE:EFFECT` as a Pod's toleration, with the notation of `kubectl taint`.

    Without a value any value is tolerated, without an effect every effect. ArgumentTypeError if it
    is none.
    """
    taint, colon, effect = text.partition(":")
    key, equals, value = taint.partition("=")
    wanted = {"key": key, "operator": "Equal" if equals else "Exists"}
    if equals:
        wanted["value"] = value
    if colon:
        wanted["effect"] = effect
    try:
        Toleration.model_validate(wanted)
    except ValidationError:
        raise ArgumentTypeError(
            f"{text!r} is not a toleration: give KEY[=VALUE][:EFFECT], where EFFECT is NoSchedule,"
            " PreferNoSchedule or NoExecute"
        ) from None
    return wanted
