"""What every model of the resource shares: strictness, camelCase names, and rules stated once.

A rule that spans several fields is declared as a `Rule`: a CEL expression, which the API server
enforces from the CRD, beside the same check in Python, for the offline renderer and as a second
line of defence. Both give the same message.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


@dataclass(frozen=True)
class Rule:
    """One rule over an object: `cel` for the API server, `holds` for Python, one message for both.

    `holds` is None for transition rules (with oldSelf), which only the API server can check.
    """

    cel: str
    message: str
    holds: Callable[[Any], bool] | None


class Model(BaseModel):
    """A frozen object of the resource that refuses unknown fields."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        # Field names are accepted too, so that models are pleasant to build in Python.
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
        # A rule's predicate decides with defaults filled in.
        validate_default=True,
    )

    rules: ClassVar[tuple[Rule, ...]] = ()

    @model_validator(mode="after")
    def _check_rules(self) -> Self:
        for rule in self.rules:
            if rule.holds is not None and not rule.holds(self):
                raise ValueError(rule.message)
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core_schema)
        if cls.rules:
            handler.resolve_ref_schema(schema)["x-kubernetes-validations"] = [
                {"rule": rule.cel, "message": rule.message} for rule in cls.rules
            ]
        return schema
