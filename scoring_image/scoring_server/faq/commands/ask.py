"""`scoring-faq score` and `scoring-faq inspect`."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from scoring_server.artefact import open_artefact
from scoring_server.faq.commands.options import UsageError, add_model, positive, probability
from scoring_server.faq.data import read_texts
from scoring_server.faq.inspection import describe, strongest_ngrams
from scoring_server.faq.model_files import KIND, read_model
from scoring_server.faq.serving import FaqRanker, Match, Ranking, load

# So many questions are ranked at a time, so that a file may be as long as it likes.
_CHUNK = 256


def add_score_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `score` to its parser."""
    add_model(parser)
    parser.add_argument("question", nargs="*", metavar="QUESTION")
    parser.add_argument(
        "--file",
        type=Path,
        metavar="FILE",
        help="more questions: the column Text of a CSV, TSV or JSONL file, or one a line",
    )
    parser.add_argument("--top", type=positive, default=3, metavar="N", help="default: 3")
    parser.add_argument("--min-probability", type=probability, default=0.0, metavar="P")
    parser.add_argument("--json", action="store_true", help="one line of JSON a question")
    parser.set_defaults(run=_score)


def add_inspect_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `inspect` to its parser."""
    add_model(parser)
    parser.add_argument(
        "--original", metavar="ID", help="show the n-grams that speak for this original most"
    )
    parser.add_argument("--top", type=positive, default=20, metavar="N", help="default: 20")
    parser.set_defaults(run=_inspect)


def _score(options: argparse.Namespace) -> Iterator[str]:
    ranker = load(options.model)
    questions = [*options.question]
    if options.file is not None:
        questions += read_texts(options.file)
    if not questions:
        raise UsageError("no question: give some, or a --file that holds some")
    write = _json if options.json else _text
    for start in range(0, len(questions), _CHUNK):
        chunk = questions[start : start + _CHUNK]
        rankings = ranker.rank(chunk, top=options.top, min_probability=options.min_probability)
        for question, ranking in zip(chunk, rankings, strict=True):
            yield write(question, ranking, ranker)


def _json(question: str, ranking: Ranking, ranker: FaqRanker) -> str:
    document = {
        "question": question,
        "matches": [_match(match, ranker) for match in ranking.matches],
        "none_probability": ranking.none_probability,
        "none": ranker.is_none(ranking),
    }
    return orjson.dumps(document).decode()


def _match(match: Match, ranker: FaqRanker) -> dict[str, Any]:
    document: dict[str, Any] = match._asdict()
    answer = ranker.answer(match)
    if answer is not None:
        document |= {"answer": answer.text, "url": answer.url}
    return document


def _text(question: str, ranking: Ranking, ranker: FaqRanker) -> str:
    lines = [question]
    for match in ranking.matches:
        lines.append(
            f"  {match.probability:6.1%}  {match.original_id} -> answer {match.answer_id}: "
            f"{ranker.text(match)}"
        )
        answer = ranker.answer(match)
        if answer is not None:
            lines.append(f"          {answer.text}")
        if answer is not None and answer.url:
            lines.append(f"          {answer.url}")
    verdict = ": taken as unanswered" if ranker.is_none(ranking) else ""
    lines.append(
        f"  {ranking.none_probability:6.1%}  probability that none of them answers{verdict}"
    )
    return "\n".join(lines)


def _inspect(options: argparse.Namespace) -> Iterator[str]:
    artefact = open_artefact(options.model, KIND, keep=True)
    model = read_model(artefact)
    if options.original is None:
        yield from describe(artefact, model)
        return
    index = model.originals.index_of(options.original)
    if index is None:
        raise UsageError(f"{options.original!r} is not the id of any original of {options.model}")
    original = model.originals
    yield f"{original.ids[index]} -> answer {original.answer_ids[index]}: {original.texts[index]}"
    for ngram, weight in strongest_ngrams(model, index, options.top):
        yield f"  {weight:8.3f}  {ngram}"
