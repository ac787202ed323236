"""The command line `scoring-faq`: train, evaluate, score, inspect."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import orjson

from scoring_server.artefact import ModelLoadError, open_artefact
from scoring_server.faq.data import DataError, read_questions, read_texts
from scoring_server.faq.evaluation import Evaluation, evaluate
from scoring_server.faq.inspection import describe, strongest_ngrams
from scoring_server.faq.model import Id
from scoring_server.faq.model_files import KIND, read_model
from scoring_server.faq.serving import Ranking, load

N = TypeVar("N", int, float)

# Bad usage and bad data end like argparse's own errors.
_FAILED = 2


class UsageError(Exception):
    """What was asked for cannot be done."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 0, or 2 with a message on stderr."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], None] = options.run
    try:
        run(options)
    except (DataError, ModelLoadError, UsageError) as error:
        return _fail(str(error))
    except OSError as error:
        named = error.filename is not None and error.strerror is not None
        return _fail(f"{error.filename}: {error.strerror}" if named else str(error))
    return 0


def _fail(message: str) -> int:
    print(f"scoring-faq: error: {message}", file=sys.stderr)
    return _FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scoring-faq",
        description="Train a FAQ matching model on your own questions, measure it, and ask it.",
        epilog="Data files are CSV (or TSV: .tsv) in UTF-8. Originals: Id, AnswerId, Text. "
        "Duplicates and test questions: Id, OriginalId, Text.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_train(commands.add_parser("train", help="train a model and write its artefact"))
    _add_evaluate(commands.add_parser("evaluate", help="measure a model on questions"))
    _add_score(commands.add_parser("score", help="rank the originals for questions"))
    _add_inspect(commands.add_parser("inspect", help="show what a model is and what it learned"))
    return parser


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--originals", type=Path, required=True, metavar="FILE")
    parser.add_argument("--duplicates", type=Path, required=True, metavar="FILE")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="where the artefact goes"
    )
    parser.add_argument("--name", default="faq", help="the model's name (default: faq)")
    parser.add_argument("--seed", type=_seed, default=0, help="default: 0")
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")
    parser.set_defaults(run=_train)


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    parser.add_argument(
        "--questions",
        type=Path,
        required=True,
        metavar="FILE",
        help="CSV or TSV with Id, OriginalId, Text; an empty OriginalId marks a question that no "
        "original answers",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.set_defaults(run=_evaluate)


def _add_score(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    parser.add_argument("question", nargs="*", metavar="QUESTION")
    parser.add_argument(
        "--file",
        type=Path,
        metavar="FILE",
        help="more questions: the column Text of a CSV or TSV file, or one a line",
    )
    parser.add_argument("--top", type=_positive, default=3, metavar="N", help="default: 3")
    parser.add_argument("--min-probability", type=_probability, default=0.0, metavar="P")
    parser.add_argument("--json", action="store_true", help="one line of JSON a question")
    parser.set_defaults(run=_score)


def _add_inspect(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    parser.add_argument(
        "--original", metavar="ID", help="show the n-grams that speak for this original most"
    )
    parser.add_argument("--top", type=_positive, default=20, metavar="N", help="default: 20")
    parser.set_defaults(run=_inspect)


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", type=Path, required=True, metavar="DIR", help="a trained artefact"
    )


def _train(options: argparse.Namespace) -> None:
    try:
        from scoring_server.faq.training.run import train
    except ModuleNotFoundError as error:
        raise UsageError(
            f"training needs {(error.name or '').partition('.')[0]}, which is not installed here; "
            "install scoring-server with its extra 'train'"
        ) from None
    trained = train(
        options.originals,
        options.duplicates,
        options.output,
        name=options.name,
        seed=options.seed,
        progress=None if options.quiet else _progress,
    )
    details = trained.manifest.details
    if not trained.duplicates:
        print(
            "scoring-faq: warning: no duplicates: the probabilities are not calibrated",
            file=sys.stderr,
        )
    print(
        f"{options.output}: {details['originals']} originals, {trained.duplicates} duplicates, "
        f"{details['features']} features"
    )
    if trained.metrics:
        print("On held-out questions:")
    for metric, value in trained.metrics.items():
        print(f"  {metric:<26}{value:g}")


def _progress(done: int, total: int, what: str) -> None:
    print(f"[{done + 1}/{total}] {what}", file=sys.stderr, flush=True)


def _evaluate(options: argparse.Namespace) -> None:
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
        print(f"{label:<42}{value:>8}")


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


def _score(options: argparse.Namespace) -> None:
    ranker = load(options.model)
    questions = [*options.question]
    if options.file is not None:
        questions += read_texts(options.file)
    if not questions:
        raise UsageError("no question: give some, or a --file that holds some")
    rankings = ranker.rank(questions, top=options.top, min_probability=options.min_probability)
    text_of = dict(zip(ranker.originals.ids, ranker.originals.texts, strict=True))
    for question, ranking in zip(questions, rankings, strict=True):
        print(_json(question, ranking) if options.json else _text(question, ranking, text_of))


def _json(question: str, ranking: Ranking) -> str:
    document = {
        "question": question,
        "matches": [match._asdict() for match in ranking.matches],
        "none_probability": ranking.none_probability,
    }
    return orjson.dumps(document).decode()


def _text(question: str, ranking: Ranking, text_of: Mapping[Id, str]) -> str:
    lines = [question]
    lines += [
        f"  {match.probability:6.1%}  {match.original_id} -> answer {match.answer_id}: "
        f"{text_of[match.original_id]}"
        for match in ranking.matches
    ]
    lines.append(f"  {ranking.none_probability:6.1%}  probability that none of them answers")
    return "\n".join(lines)


def _inspect(options: argparse.Namespace) -> None:
    artefact = open_artefact(options.model, KIND)
    model = read_model(artefact)
    if options.original is None:
        print("\n".join(describe(artefact, model)))
        return
    index = model.originals.index_of(options.original)
    if index is None:
        raise UsageError(f"{options.original!r} is not the id of any original of {options.model}")
    original = model.originals
    print(f"{original.ids[index]} -> answer {original.answer_ids[index]}: {original.texts[index]}")
    for ngram, weight in strongest_ngrams(model, index, options.top):
        print(f"  {weight:8.3f}  {ngram}")


def _seed(text: str) -> int:
    return _number(text, int, 0, 2**32 - 1)


def _positive(text: str) -> int:
    return _number(text, int, 1, 2**31)


def _probability(text: str) -> float:
    return _number(text, float, 0.0, 1.0)


def _number(text: str, kind: Callable[[str], N], smallest: N, largest: N) -> N:
    message = f"{text!r} is not a number from {smallest} to {largest}"
    try:
        value = kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(message) from None
    if not smallest <= value <= largest:
        raise argparse.ArgumentTypeError(message)
    return value
