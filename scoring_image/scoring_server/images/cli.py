"""scoring-image: make an image model's artefact, try it, judge it."""

import argparse
import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NoReturn

from scoring_server.artefact import ModelLoadError
from scoring_server.images.classifier import ImageClassifier, NamedImageRefused, Prediction
from scoring_server.images.evaluate import find_images, judge, wordnet_id
from scoring_server.images.preprocess import METHODS, REFERENCE
from scoring_server.images.serving import load
from scoring_server.images.spec import RANDOM_WEIGHTS
from scoring_server.process.last_words import EXIT_CONFIG

_DEFAULT_MODEL: Final = "/opt/scoring/models/image-classification"
# One image at a time has no queue to wait in; this only ends a computation that hangs.
_DEADLINE_SECONDS: Final = 300.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of scoring-image."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    options = _parser().parse_args(arguments)
    options.run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scoring-image", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    export = commands.add_parser("export", help="write the artefact that the server loads")
    export.add_argument(
        "--architecture",
        default="resnet152",
        help="a torchvision classification model, or efficientnet-lite0 (default: %(default)s)",
    )
    export.add_argument(
        "--weights",
        default="DEFAULT",
        metavar="NAME|FILE|URL|random",
        help="torchvision's name of the weights, a .safetensors file, the URL of one (with "
        "--sha256), or random: no answers, only for measuring speed; DEFAULT: the best that "
        "torchvision has",
    )
    export.add_argument("--sha256", help="of the weights' file; required for a URL")
    export.add_argument("--seed", type=int, default=0, help="of random weights")
    export.add_argument(
        "--fallback",
        choices=["efficientnet-lite0"],
        help="where the weights cannot be downloaded, take this network with its real weights",
    )
    export.add_argument(
        "--labels", type=Path, help="JSON list or one a line (default: ImageNet-1K)"
    )
    export.add_argument("--preprocessing", choices=METHODS, default=REFERENCE)
    export.add_argument("--format", choices=["openvino", "safetensors", "both"], default="both")
    export.add_argument("--to", type=Path, required=True, metavar="DIR")
    export.set_defaults(run=_export)

    score = commands.add_parser("score", help="classify image files")
    score.add_argument("files", nargs="+", type=Path, metavar="FILE")
    score.set_defaults(run=_score)

    evaluate = commands.add_parser(
        "evaluate", help="top-1 and top-3 over images named <WordNet id>_<anything>"
    )
    evaluate.add_argument("directory", type=Path, metavar="DIR")
    evaluate.set_defaults(run=_evaluate)

    for command in (score, evaluate):
        command.add_argument("--model", type=Path, default=Path(_DEFAULT_MODEL), metavar="DIR")
        command.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    return parser


def _export(options: argparse.Namespace) -> None:
    # torch is heavy, and absent where images are only scored.
    from scoring_server.images.export.command import ExportError, run_export

    try:
        manifest = run_export(
            architecture=options.architecture,
            weights=options.weights,
            sha256=options.sha256,
            seed=options.seed,
            fallback=options.fallback,
            labels_file=options.labels,
            preprocessing=options.preprocessing,
            formats=["openvino", "safetensors"] if options.format == "both" else [options.format],
            directory=options.to,
            say=lambda text: print(text, file=sys.stderr, flush=True),
        )
    except ExportError as error:
        _fail(str(error))
    print(f"{options.to}: {manifest.name}, weights: {manifest.weights}")


def _score(options: argparse.Namespace) -> None:
    classifier = _load(options)
    refused = 0
    for path, answer in _answers(classifier, options.files):
        if isinstance(answer, str):
            refused += 1
            print(f"{path}: {answer}", file=sys.stderr)
            continue
        print(path)
        for label, probability in answer:
            print(f"  {probability:6.3f}  {label}")
    if refused:
        sys.exit(1)


def _evaluate(options: argparse.Namespace) -> None:
    paths = find_images(options.directory)
    if not paths:
        _fail(f"{options.directory} holds no images whose names begin with a WordNet id")
    classifier = _load(options)
    started = time.monotonic()
    answered = list(_answers(classifier, paths))
    seconds = time.monotonic() - started
    accuracy = judge(
        # An image that was refused counts as wrong.
        (wordnet_id(path) or "", () if isinstance(answer, str) else answer)
        for path, answer in answered
    )
    for path, answer in answered:
        if isinstance(answer, str):
            print(f"{path}: {answer}", file=sys.stderr)
    count = accuracy.images
    print(f"images  {count:6d}  ({count / seconds:.1f}/s, one at a time)")
    print(f"top-1   {accuracy.top1 / count:6.3f}  ({accuracy.top1} right)")
    print(f"top-3   {accuracy.top3 / count:6.3f}  ({accuracy.top3} right)")


def _load(options: argparse.Namespace) -> ImageClassifier:
    try:
        loaded = load(options.model, device=options.device, threads=len(os.sched_getaffinity(0)))
    except ModelLoadError as error:
        _fail(str(error))
    if loaded.info.weights == RANDOM_WEIGHTS:
        print("the weights are random: the answers mean nothing", file=sys.stderr)
    loaded.classifier.batcher.start()
    return loaded.classifier


def _answers(
    classifier: ImageClassifier, paths: Sequence[Path]
) -> Iterator[tuple[Path, Sequence[Prediction] | str]]:
    """Each file's predictions, or why it has none."""
    for path in paths:
        try:
            data = path.read_bytes()
            deadline = time.monotonic() + _DEADLINE_SECONDS
            yield path, classifier.classify({"image": data}, deadline)["image"]
        except OSError as error:
            yield path, error.strerror or type(error).__name__
        except NamedImageRefused as refusal:
            yield path, refusal.cause.reason


def _fail(message: str) -> NoReturn:
    print(f"scoring-image: {message}", file=sys.stderr)
    sys.exit(EXIT_CONFIG)
