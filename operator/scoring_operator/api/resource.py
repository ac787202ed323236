"""One ScoringService as it is stored: metadata and spec, parsed and checked."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from scoring_operator.api.constants import API_VERSION, KIND
from scoring_operator.api.spec import ScoringServiceSpec

MAX_NAME_LENGTH = 40


class InvalidResource(ValueError):
    """The resource cannot be served as written; the message says what to change, and where."""


class ObjectMeta(BaseModel):
    """The part of an object's metadata that the operator reads."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    namespace: str = "default"
    # Absent when manifests are rendered offline, from a file.
    uid: str = ""
    generation: int = 0


class ScoringService(BaseModel):
    """A ScoringService."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    metadata: ObjectMeta
    spec: ScoringServiceSpec

    @classmethod
    def parse(cls, obj: Mapping[str, Any]) -> Self:
        """The resource from the API server's or a file's form.

        Raises:
            InvalidResource: with every fault and its path in the message.
        """
        if (obj.get("apiVersion"), obj.get("kind")) != (API_VERSION, KIND):
            raise InvalidResource(
                f"expected apiVersion {API_VERSION} and kind {KIND},"
                f" found {obj.get('apiVersion')!r} and {obj.get('kind')!r}"
            )
        try:
            # As strict as the API server: no snake_case names, no text where a number belongs.
            service = cls.model_validate(obj, strict=True, by_alias=True, by_name=False)
        except ValidationError as error:
            raise InvalidResource(_explain(error)) from None
        if len(service.metadata.name) > MAX_NAME_LENGTH:
            raise InvalidResource(f"metadata.name: must be at most {MAX_NAME_LENGTH} characters")
        return service


def _explain(error: ValidationError) -> str:
    faults = []
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        path = ".".join(str(part) for part in detail["loc"]) or "the resource"
        text = detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "extra_forbidden":
            text = "unknown field"
        elif detail["type"] == "missing":
            text = "required"
        faults.append(f"{path}: {text}")
    return "; ".join(faults)
