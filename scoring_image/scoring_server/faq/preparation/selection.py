"""Which questions to keep, and which of them to test with.

No text is in two places: neither under two originals, nor in training and in the test.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from scoring_server.faq.preparation.records import Duplicate, Original, Records
from scoring_server.faq.text import same_text_key

T = TypeVar("T", Original, Duplicate)


@dataclass(frozen=True)
class Filters:
    """What is kept.

    Attributes:
        min_text: fewest characters of a text, plain.
        min_duplicates: fewest duplicates of an original, test included.
        test_share: of each original's duplicates that become test questions, from 0 up to 1; one
            always stays to train with.
        no_match_share: of the originals that are left out, so that their duplicates become test
            questions which no original answers.
        seed: of what is drawn by chance.
    """

    min_text: int
    min_duplicates: int
    test_share: float
    no_match_share: float
    seed: int


@dataclass(frozen=True)
class Selection:
    """What was kept.

    Attributes:
        originals: to train with.
        duplicates: to train with.
        test: to test with; original_id is "" where no original answers.
        left_out: how many originals and duplicates were not kept, by reason.
    """

    originals: list[Original]
    duplicates: list[Duplicate]
    test: list[Duplicate]
    left_out: dict[str, int]


def select(records: Records, filters: Filters) -> Selection:
    """Apply the filters and split off the test.

    What is drawn depends on the seed and the ids alone, not on the order of the records.
    """
    left_out: Counter[str] = Counter(records.left_out)
    originals = _distinct_originals(records.originals, filters.min_text, left_out)
    duplicates = _distinct_duplicates(originals, records.duplicates, filters.min_text, left_out)
    asked: dict[str, list[Duplicate]] = {original.id: [] for original in originals}
    for duplicate in duplicates:
        asked[duplicate.original_id].append(duplicate)
    kept = [o for o in originals if len(asked[o.id]) >= filters.min_duplicates]
    if len(kept) < len(originals):
        left_out["originals with too few duplicates"] += len(originals) - len(kept)
    unanswered = {
        original.id
        for original in _drawn(kept, round(filters.no_match_share * len(kept)), filters.seed)
    }
    test: list[Duplicate] = []
    for original in kept:
        group = asked[original.id]
        if original.id in unanswered:
            test += [Duplicate(duplicate.id, "", duplicate.text) for duplicate in group]
        else:
            size = min(round(filters.test_share * len(group)), len(group) - 1)
            test += _drawn(group, size, filters.seed)
    answered = [original for original in kept if original.id not in unanswered]
    tested = {duplicate.id for duplicate in test}
    return Selection(
        originals=answered,
        duplicates=[d for o in answered for d in asked[o.id] if d.id not in tested],
        test=test,
        left_out=dict(left_out),
    )


def _distinct_originals(
    originals: Iterable[Original], min_text: int, left_out: Counter[str]
) -> list[Original]:
    kept: dict[str, Original] = {}
    for original in originals:
        if len(original.text) < min_text:
            left_out["originals with too short a text"] += 1
        elif (key := same_text_key(original.text)) in kept:
            left_out["originals that repeat another's text"] += 1
        else:
            kept[key] = original
    return list(kept.values())


def _distinct_duplicates(
    originals: Sequence[Original],
    duplicates: Sequence[Duplicate],
    min_text: int,
    left_out: Counter[str],
) -> list[Duplicate]:
    known = {original.id for original in originals}
    # Which originals a text asks: none can learn from one that asks several.
    owners: dict[str, set[str]] = {
        same_text_key(original.text): {original.id} for original in originals
    }
    taken = set(owners)
    for duplicate in duplicates:
        if duplicate.original_id in known:
            owners.setdefault(same_text_key(duplicate.text), set()).add(duplicate.original_id)
    kept = []
    for duplicate in duplicates:
        key = same_text_key(duplicate.text)
        if duplicate.original_id not in known:
            left_out["duplicates of originals that were left out"] += 1
        elif len(duplicate.text) < min_text:
            left_out["duplicates with too short a text"] += 1
        elif len(owners[key]) > 1:
            left_out["duplicates whose text belongs to several originals"] += 1
        elif key in taken:
            left_out["duplicates that repeat a text"] += 1
        else:
            taken.add(key)
            kept.append(duplicate)
    return kept


def _drawn(items: Sequence[T], size: int, seed: int) -> list[T]:
    """Some of the items, in their order; the same ids and seed always give the same ones."""

    def lot(item: T) -> bytes:
        return hashlib.sha256(f"{seed}:{item.id}".encode()).digest()

    chosen = {item.id for item in sorted(items, key=lot)[: max(size, 0)]}
    return [item for item in items if item.id in chosen]
