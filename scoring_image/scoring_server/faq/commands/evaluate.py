"""`scoring-faq evaluate`."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import orjson

from scoring_server.faq.commands.options import UsageError, add_model
from scoring_server.faq.data import read_questions
from scoring_server.faq.evaluation import Evaluation, evaluate
from scoring_server.faq.serving import load


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    add_model(parser)
    parser.add_argument(
        "--questions",
        type=Path,
        required=True,
        metavar="FILE",
        help="Id, OriginalId, Text; an empty OriginalId marks a question that no original answers",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.set_defaults(run=_evaluate)


def _evaluate(options: argparse.Namespace) -> Iterator[str]:
    ranker = load(options.model)
    questions = read_questions(options.questions, ranker.originals.ids, unanswered=True)
    if not questions.texts:
        raise UsageError(f"{options.questions}: has no questions, only a header")
    measured = evaluate(ranker, questions)
    if options.json is not None:
        report = {"model": ranker.info, **measured.to_json()}
        options.json.write_bytes(
            orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        )
    for label, value in _table(measured):
        yield f"{label:<42}{value:>8}"


def _table(measured: Evaluation) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    if measured.ranking is not None:
        ranking = measured.ranking
        rows.append(("questions with an original", str(ranking.questions)))
        rows += [
            (f"Acc@{k}", f"{accuracy:.4f}") for k, accuracy in enumerate(ranking.accuracy, start=1)
        ]
        rows.append(("mean reciprocal rank (MRR)", f"{ranking.mrr:.4f}"))
        rows.append(("mean rank", f"{ranking.mean_rank:.2f}"))
        rows.append(("expected calibration error (ECE)", f"{ranking.ece:.4f}"))
    rows.append(("questions without an original", str(measured.unanswered)))
    area = "-" if measured.none_auroc is None else f"{measured.none_auroc:.4f}"
    rows.append(("no-match AUROC", area))
    return rows
