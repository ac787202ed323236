"""Kubernetes resource quantities in the API server's own canonical form.

The API server rewrites a quantity when it stores it ("0.5" becomes "500m", "1024Mi" becomes
"1Gi"). Rendering the canonical form makes a desired manifest comparable to the stored object
without knowing about quantities.
"""

import functools
import re
from decimal import Decimal
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

CPU_PATTERN: Final = r"^([0-9]{1,4}(\.[0-9]{1,3})?|[0-9]{1,7}m)$"
MEMORY_PATTERN: Final = r"^[0-9]{1,15}(\.[0-9]{1,3})?(k|M|G|T|Ki|Mi|Gi|Ti)?$"

AMOUNT_PATTERN: Final = r"^([0-9]{1,9}(\.[0-9]{1,3})?|[0-9]{1,9}[mkM])$"
_SMALLEST_SIZE: Final = "1Ki"
_LARGEST_SIZE: Final = "1Gi"

_DECIMAL: Final = {"T": 10**12, "G": 10**9, "M": 10**6, "k": 10**3, "": 1}
_BINARY: Final = {"Ti": 2**40, "Gi": 2**30, "Mi": 2**20, "Ki": 2**10, "": 1}

# The same few quantities are in every resource, and are read at every look.
_remembered = functools.lru_cache(maxsize=1024)


def cpus(quantity: str) -> Decimal:
    """A CPU quantity as a number of CPUs: "500m" is 0.5."""
    if quantity.endswith("m"):
        return Decimal(quantity[:-1]) / 1000
    return Decimal(quantity)


@_remembered
def memory_bytes(quantity: str) -> int:
    """A memory quantity in bytes, rounded up: "1Ki" is 1024."""
    number, suffix = _split(quantity)
    value = Decimal(number) * {**_DECIMAL, **_BINARY}[suffix]
    return int(value.to_integral_value(rounding="ROUND_CEILING"))


@_remembered
def canonical_cpu(quantity: str) -> str:
    """Whole CPUs without a suffix, everything else in milli-CPUs."""
    millis = cpus(quantity) * 1000
    return str(int(millis) // 1000) if millis % 1000 == 0 else f"{int(millis)}m"


@_remembered
def canonical_memory(quantity: str) -> str:
    """The largest suffix of the same family (binary or decimal) that needs no fraction."""
    value = memory_bytes(quantity)
    family = _BINARY if _split(quantity)[1].endswith("i") else _DECIMAL
    for suffix, unit in family.items():
        if value and value % unit == 0:
            return f"{value // unit}{suffix}"
    return "0"


def canonical_amount(quantity: str) -> str:
    """A plain number: the largest suffix that needs no fraction, thousandths as "m"."""
    number, suffix = _split(quantity)
    thousandths = int(Decimal(number) * {"m": 1, "": 1000, "k": 10**6, "M": 10**9}[suffix])
    for suffix, unit in {"M": 10**9, "k": 10**6, "": 1000}.items():
        if thousandths and thousandths % unit == 0:
            return f"{thousandths // unit}{suffix}"
    return f"{thousandths}m" if thousandths else "0"


def _split(quantity: str) -> tuple[str, str]:
    match = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", quantity)
    if match is None:
        raise ValueError(f"{quantity!r} is not a quantity")
    return match[1], match[2]


def _as_text(value: object) -> object:
    # YAML has `cpu: 2` as a number; bool is an int in Python, but not a quantity.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _check_size(quantity: str) -> str:
    if not memory_bytes(_SMALLEST_SIZE) <= memory_bytes(quantity) <= memory_bytes(_LARGEST_SIZE):
        raise ValueError(_SIZE_MESSAGE)
    return quantity


def _check_amount(quantity: str) -> str:
    if canonical_amount(quantity) == "0":
        raise ValueError(_AMOUNT_MESSAGE)
    return quantity


_AMOUNT_MESSAGE: Final = "must be more than 0"
_SIZE_MESSAGE: Final = f"must be from {_SMALLEST_SIZE} to {_LARGEST_SIZE}"
_SIZE_RULE: Final = (
    f"quantity(string(self)).compareTo(quantity('{_SMALLEST_SIZE}')) >= 0"
    f" && quantity(string(self)).compareTo(quantity('{_LARGEST_SIZE}')) <= 0"
)


def _schema(pattern: str, **more: object) -> WithJsonSchema:
    return WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "pattern": pattern,
            "maxLength": 24,
            **more,
        }
    )


Cpu = Annotated[
    str, BeforeValidator(_as_text), Field(pattern=CPU_PATTERN, max_length=24), _schema(CPU_PATTERN)
]
Memory = Annotated[
    str,
    BeforeValidator(_as_text),
    Field(pattern=MEMORY_PATTERN, max_length=24),
    _schema(MEMORY_PATTERN),
]
# A plain number of something, such as requests in flight.
Amount = Annotated[
    str,
    BeforeValidator(_as_text),
    Field(pattern=AMOUNT_PATTERN, max_length=24),
    AfterValidator(_check_amount),
    _schema(
        AMOUNT_PATTERN,
        **{
            "x-kubernetes-validations": [
                {
                    "rule": "quantity(string(self)).compareTo(quantity('0')) > 0",
                    "message": _AMOUNT_MESSAGE,
                }
            ]
        },
    ),
]
# Bytes of a message.
ByteSize = Annotated[
    str,
    BeforeValidator(_as_text),
    Field(pattern=MEMORY_PATTERN, max_length=24),
    AfterValidator(_check_size),
    _schema(
        MEMORY_PATTERN,
        **{"x-kubernetes-validations": [{"rule": _SIZE_RULE, "message": _SIZE_MESSAGE}]},
    ),
]
