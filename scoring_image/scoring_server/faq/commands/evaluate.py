"""`scoring-faq evaluate` and `scoring-faq compare`."""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from scoring_server.faq.commands.options import UsageError, add_model
from scoring_server.faq.data import read_questions
from scoring_server.faq.evaluation import Evaluation, evaluate
from scoring_server.faq.serving import FaqRanker, load


def add_evaluate_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `evaluate` to its parser."""
    add_model(parser)
    _add_shared(parser)
    parser.set_defaults(run=_evaluate)


def add_compare_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `compare` to its parser."""
    parser.add_argument("models", nargs="+", type=Path, metavar="DIR", help="trained artefacts")
    _add_shared(parser)
    parser.set_defaults(run=_compare)


def _add_shared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--questions",
        type=Path,
        required=True,
        metavar="FILE",
        help="Id, OriginalId, Text; an empty OriginalId marks a question that no original answers",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="write diagrams there")
    parser.add_argument("--plot-format", choices=("png", "svg"), default="png", help="default: png")


def _evaluate(options: argparse.Namespace) -> Iterator[str]:
    ranker = load(options.model)
    measured = _measure(ranker, options.questions)
    if options.json is not None:
        _write_json(options.json, _report(ranker, measured))
    for label, value in measured.table():
        yield f"{label:<42}{value:>8}"
    yield from _write_plots(options, {ranker.info["name"]: measured})


def _compare(options: argparse.Namespace) -> Iterator[str]:
    labels = _labels(options.models)
    measured: dict[str, Evaluation] = {}
    reports: list[dict[str, Any]] = []
    for label, directory in zip(labels, options.models, strict=True):
        ranker = load(directory)
        measured[label] = _measure(ranker, options.questions)
        reports.append({"label": label, **_report(ranker, measured[label])})
    if options.json is not None:
        _write_json(options.json, {"models": reports})
    width = max(10, *(len(label) + 2 for label in labels))
    yield " " * 42 + "".join(f"{label:>{width}}" for label in labels)
    tables = {label: dict(evaluation.table()) for label, evaluation in measured.items()}
    for row in dict.fromkeys(row for table in tables.values() for row in table):
        yield f"{row:<42}" + "".join(f"{t.get(row, '-'):>{width}}" for t in tables.values())
    yield from _write_plots(options, measured)


def _labels(directories: list[Path]) -> list[str]:
    """The folders' names, or their paths where names come twice."""
    names = [directory.resolve().name for directory in directories]
    labels = names if len(set(names)) == len(names) else [str(path) for path in directories]
    if len(set(labels)) < len(labels):
        raise UsageError("the same artefact comes twice")
    return labels


def _measure(ranker: FaqRanker, path: Path) -> Evaluation:
    questions = read_questions(path, ranker.originals.ids, unanswered=True)
    if not questions.texts:
        raise UsageError(f"{path}: has no questions, only a header")
    return evaluate(ranker, questions)


def _report(ranker: FaqRanker, measured: Evaluation) -> dict[str, Any]:
    return {"model": ranker.info, **measured.to_json()}


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _write_plots(options: argparse.Namespace, measured: Mapping[str, Evaluation]) -> Iterator[str]:
    if options.plots is None:
        return
    try:
        from scoring_server.faq.plots import write_plots
    except ModuleNotFoundError as error:
        raise UsageError(
            f"diagrams need {(error.name or '').partition('.')[0]}, which is not installed here; "
            "install scoring-server with its extra 'plots'"
        ) from None
    for path in write_plots(options.plots, measured, options.plot_format):
        yield f"written: {path}"
