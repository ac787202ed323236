"""What the commands share: options, and the error of a request that cannot be fulfilled."""

import argparse
from collections.abc import Callable, Sequence
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


def add_output(parser: argparse.ArgumentParser, what: str) -> None:
    """Add --output, a folder, and --replace."""
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help=what)
    parser.add_argument(
        "--replace", action="store_true", help="overwrite what an earlier run wrote there"
    )


def refuse_to_overwrite(options: argparse.Namespace, files: Sequence[str] | None = None) -> None:
    """Stop before any work where something would be lost that nobody said may be.

    Args:
        options: with what `add_output` adds.
        files: what is written into the folder; None: the folder as a whole is.

    Raises:
        UsageError: it is there, and there is no --replace.
    """
    if options.replace or not options.output.is_dir():
        return
    there = sorted(path.name for path in options.output.iterdir())
    lost = there if files is None else [name for name in files if name in there]
    if lost:
        raise UsageError(
            f"{options.output} holds {lost[0]!r} already: choose another folder, or say --replace"
        )


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
