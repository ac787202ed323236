"""What the commands share: options, and the error of a request that cannot be fulfilled."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

N = TypeVar("N", int, float)


class UsageError(Exception):
    """What was asked for cannot be done."""


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add --model."""
    parser.add_argument(
        "--model", type=Path, required=True, metavar="DIR", help="a trained artefact"
    )


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Add --seed."""
    parser.add_argument("--seed", type=_seed, default=0, help="default: 0")


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """Add --quiet."""
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")


def positive(text: str) -> int:
    """A whole number from 1."""
    return _number(text, int, 1, 2**31)


def probability(text: str) -> float:
    """A number from 0 to 1."""
    return _number(text, float, 0.0, 1.0)


def _seed(text: str) -> int:
    return _number(text, int, 0, 2**32 - 1)


def _number(text: str, kind: Callable[[str], N], smallest: N, largest: N) -> N:
    message = f"{text!r} is not a number from {smallest} to {largest}"
    try:
        value = kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(message) from None
    if not smallest <= value <= largest:
        raise argparse.ArgumentTypeError(message)
    return value
