"""`scoring-faq distil`."""

import argparse
from collections.abc import Iterator

from scoring_server.faq.commands.options import (
    UsageError,
    add_output,
    add_quiet,
    positive,
    refuse_to_overwrite,
)
from scoring_server.faq.commands.progress import Progress

_DIMENSIONS = 256


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    parser.add_argument(
        "--encoder",
        required=True,
        metavar="DIR|PACKAGE",
        help="the files of an uncased sentence encoder (BERT's kind), or the installed package "
        "that holds them",
    )
    add_output(parser, "where the embeddings go")
    parser.add_argument("--name", default="embeddings", help="default: embeddings")
    parser.add_argument(
        "--dimensions",
        type=positive,
        default=_DIMENSIONS,
        metavar="N",
        help=f"of each vector; fewer are smaller and less exact (default: {_DIMENSIONS})",
    )
    add_quiet(parser)
    parser.set_defaults(run=_distil)


def _distil(options: argparse.Namespace) -> Iterator[str]:
    refuse_to_overwrite(options)
    try:
        from scoring_server.faq.training.distillation import distil, find_encoder
        from scoring_server.faq.training.encoder import VOCABULARY, EncoderError
    except ModuleNotFoundError as error:
        raise UsageError(
            f"distilling needs {(error.name or '').partition('.')[0]}, which is not installed "
            "here; install scoring-server with its extra 'train'"
        ) from None
    try:
        folder = find_encoder(options.encoder)
        with (folder / VOCABULARY).open("rb") as stream:
            pieces = sum(1 for _ in stream)
        progress = Progress(pieces, "encoding pieces of words", quiet=options.quiet)
        manifest = distil(
            folder,
            options.output,
            dimensions=options.dimensions,
            name=options.name,
            advance=progress.advance,
        )
        progress.finish()
    except EncoderError as error:
        raise UsageError(str(error)) from None
    size = sum(entry.size for entry in manifest.files.values())
    yield (
        f"{options.output}: {manifest.details['pieces']} pieces of words, "
        f"{manifest.details['dimensions']} dimensions, {size / 1e6:.1f} MB"
    )
