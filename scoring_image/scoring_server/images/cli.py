"""scoring-image: make an image model's artefact, try it, judge it."""

import argparse
import logging
import math
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NoReturn

import orjson

from scoring_server.artefact import ModelLoadError
from scoring_server.batching import run
from scoring_server.images.backends import COMPUTES
from scoring_server.images.classifier import ImageClassifier, NamedImageRefused, Prediction
from scoring_server.images.commands.bench import (
    PipelineRate,
    bench,
    bench_pipeline,
    document,
    drive_progress,
    pipeline_table,
    plot,
    table,
)
from scoring_server.images.commands.evaluate import evaluate
from scoring_server.images.commands.model import Model
from scoring_server.images.evaluate import SUFFIXES, find_images
from scoring_server.images.preprocess import INTERPOLATIONS, METHODS, REFERENCE
from scoring_server.images.serving import load
from scoring_server.images.spec import RANDOM_WEIGHTS
from scoring_server.process.cpus import available_cpus
from scoring_server.process.last_words import EXIT_CONFIG

_DEFAULT_MODEL: Final = "/opt/scoring/models/image-classification"
IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_STD: Final = (0.229, 0.224, 0.225)
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
    export.add_argument(
        "--program",
        type=Path,
        metavar="FILE",
        help="in place of --architecture and --weights: an .onnx file or a .pt2 program of "
        "torch.export that takes normalised pictures of shape (N, 3, side, side); for CPUs. A .pt2 "
        "file can execute code while it is read: use those that you trust",
    )
    export.add_argument(
        "--mean",
        nargs=3,
        type=float,
        help="of --program's input scaled to 0…1, RGB (default: ImageNet's)",
    )
    export.add_argument(
        "--std",
        nargs=3,
        type=float,
        help="of --program's input scaled to 0…1, RGB (default: ImageNet's)",
    )
    export.add_argument(
        "--resize", type=int, help="of --program, for standard preprocessing: the short side"
    )
    export.add_argument(
        "--interpolation",
        choices=INTERPOLATIONS,
        help="of --program, for standard preprocessing (default: bilinear)",
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
    export.add_argument(
        "--int8",
        type=_folder,
        metavar="DIR",
        help="quantise the model for CPUs, calibrated on the images in there (about 300 like those "
        "that will be served); needs nncf. Twice as fast; evaluate tells what it costs",
    )
    export.add_argument("--format", choices=["openvino", "safetensors", "both"], default="both")
    export.add_argument("--to", type=Path, required=True, metavar="DIR")
    export.add_argument(
        "--replace", action="store_true", help="overwrite what an earlier run wrote there"
    )
    export.set_defaults(run=_export)

    score = commands.add_parser("score", help="classify image files")
    score.add_argument("files", nargs="+", type=Path, metavar="FILE")
    score.add_argument("--model", type=Path, default=Path(_DEFAULT_MODEL), metavar="DIR")
    score.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    score.set_defaults(run=_score)
    _add_evaluate(commands)
    _add_bench(commands)
    return parser


def _add_evaluate(commands: Any) -> None:
    evaluate = commands.add_parser(
        "evaluate",
        help="top-1 and top-3 over images whose file or folder is named after their class, by "
        "WordNet id or label, and how often models and ways to compute them agree",
    )
    evaluate.add_argument("directory", type=_folder, metavar="DIR")
    evaluate.add_argument(
        "--model",
        type=Path,
        nargs="+",
        default=[Path(_DEFAULT_MODEL)],
        metavar="DIR",
        help="one or several to compare, such as a float one and its int8",
    )
    evaluate.add_argument("--compute", nargs="+", choices=COMPUTES, default=["openvino"])
    evaluate.set_defaults(run=_evaluate)


def _add_bench(commands: Any) -> None:
    bench = commands.add_parser("bench", help="measure the in-process limit of this machine")
    bench.add_argument("--model", type=Path, default=Path(_DEFAULT_MODEL), metavar="DIR")
    bench.add_argument("--compute", nargs="+", choices=COMPUTES, default=["openvino"])
    bench.add_argument("--threads", nargs="+", type=_positive, default=[_cpus()], metavar="N")
    bench.add_argument("--batch", nargs="+", type=_positive, default=[1, 2, 4, 8], metavar="N")
    bench.add_argument("--seconds", type=_seconds, default=3.0, help="for each (default: 3)")
    bench.add_argument(
        "--inference-seconds",
        type=_seconds,
        metavar="SECONDS",
        help="for each of inference alone, where --images is to take longer",
    )
    bench.add_argument(
        "--images",
        type=_folder,
        metavar="DIR",
        help="also measure decoding, queueing and inference together, on the images in there",
    )
    bench.add_argument(
        "--clients",
        nargs="+",
        type=_positive,
        default=[1, 16],
        help="callers at once, for --images",
    )
    bench.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    bench.add_argument("--plot", type=_drawing, metavar="FILE", help="draw them: .svg or .png")
    bench.set_defaults(run=_bench)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no time to measure for")
    return value


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text} is no folder")
    return Path(text)


def _drawing(text: str) -> Path:
    if not text.endswith((".svg", ".png")):
        raise argparse.ArgumentTypeError(f"{text} must end in .svg or .png")
    return Path(text)


def _cpus() -> int:
    return max(1, int(available_cpus()))


def _export(options: argparse.Namespace) -> None:
    of_programs = ("mean", "std", "resize", "interpolation")
    given = [f"--{name}" for name in of_programs if getattr(options, name) is not None]
    if given and options.program is None:
        _fail(
            f"{' and '.join(given)}: only for --program; an architecture is given what its usual "
            "weights take"
        )
    if not options.replace and options.to.is_dir() and any(options.to.iterdir()):
        _fail(f"{options.to} is not empty: choose another folder, or say --replace")
    # torch is heavy, and absent where images are only scored.
    try:
        from scoring_server.images.export.command import ExportError, run_export, run_program_export
    except ModuleNotFoundError as error:
        _fail(f"export needs {error.name}: pip install 'scoring-server[export]'")

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    try:
        if options.program is not None:
            manifest = run_program_export(
                options.program,
                labels_file=options.labels,
                preprocessing=options.preprocessing,
                resize=options.resize,
                interpolation=options.interpolation or "bilinear",
                mean=tuple(options.mean or IMAGENET_MEAN),
                std=tuple(options.std or IMAGENET_STD),
                directory=options.to,
                say=say,
                calibration=options.int8,
            )
        else:
            both = ["openvino", "safetensors"]
            manifest = run_export(
                architecture=options.architecture,
                weights=options.weights,
                sha256=options.sha256,
                seed=options.seed,
                fallback=options.fallback,
                labels_file=options.labels,
                preprocessing=options.preprocessing,
                formats=both if options.format == "both" else [options.format],
                directory=options.to,
                say=say,
                calibration=options.int8,
            )
    except (ExportError, ValueError) as error:
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
    try:
        paths = find_images(options.directory, Model.open(options.model[0]).labels)
        if not paths:
            _fail(
                f"{options.directory} holds no images whose names tell their class: name files or "
                "folders after the model's labels or their WordNet ids (lynx/1.jpg, lynx_1.jpg, "
                "n02127052_1.jpg)"
            )
        for line in evaluate(options.model, options.compute, paths, threads=_cpus()):
            print(line, flush=True)
    except ModelLoadError as error:
        _fail(str(error))


def _bench(options: argparse.Namespace) -> None:
    def say(text: str) -> None:
        print(f"… {text}", file=sys.stderr, flush=True)

    if options.plot is not None and find_spec("matplotlib") is None:
        _fail("--plot needs matplotlib: pip install 'scoring-server[plots]'")
    pipeline: list[PipelineRate] = []
    try:
        model = Model.open(options.model)
        images = [] if options.images is None else _read_images(options.images)
        combinations = bench(
            model,
            options.compute,
            options.threads,
            options.batch,
            options.inference_seconds or options.seconds,
        )
        rates = drive_progress(combinations, say)
        if images:
            say(f"whole pipeline on {len(images)} images")
            pipeline += bench_pipeline(
                options.model,
                images,
                options.clients,
                options.seconds,
                device="gpu" if options.compute == ["torch-gpu"] else "cpu",
                threads=max(options.threads),
            )
        print(f"{model.artefact.manifest.name}, weights: {model.artefact.manifest.weights}\n")
        print("\n".join(table(rates)))
        if pipeline:
            print("\n" + "\n".join(pipeline_table(pipeline)))
        if options.json is not None:
            options.json.write_bytes(orjson.dumps(document(rates, pipeline)))
        if options.plot is not None:
            plot(rates, options.plot)
    except (ModelLoadError, OSError) as error:
        _fail(str(error))
    except NamedImageRefused as refusal:
        _fail(f"an image in {options.images}: {refusal.cause.reason}")


def _read_images(directory: Path) -> list[bytes]:
    paths = [p for p in sorted(directory.rglob("*")) if p.suffix.lower() in SUFFIXES]
    if not paths:
        _fail(f"{directory} holds no images")
    return [path.read_bytes() for path in paths]


def _load(options: argparse.Namespace) -> ImageClassifier:
    try:
        loaded = load(options.model, device=options.device, threads=_cpus(), max_batch=1)
    except ModelLoadError as error:
        _fail(str(error))
    if loaded.info.weights == RANDOM_WEIGHTS:
        print("the weights are random: the answers mean nothing", file=sys.stderr)
    loaded.classifier.start()
    return loaded.classifier


def _answers(
    classifier: ImageClassifier, paths: Sequence[Path]
) -> Iterator[tuple[Path, Sequence[Prediction] | str]]:
    """Each file's predictions, or why it has none."""
    for path in paths:
        try:
            data = path.read_bytes()
            deadline = time.monotonic() + _DEADLINE_SECONDS
            yield path, run(classifier.classify({"image": data}, deadline))["image"]
        except OSError as error:
            yield path, error.strerror or type(error).__name__
        except NamedImageRefused as refusal:
            yield path, refusal.cause.reason


def _fail(message: str) -> NoReturn:
    print(f"scoring-image: {message}", file=sys.stderr)
    sys.exit(EXIT_CONFIG)
