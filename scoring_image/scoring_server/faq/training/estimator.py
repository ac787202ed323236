"""The scikit-learn estimator."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from scoring_server.faq.embeddings import EmbeddingTable
from scoring_server.faq.text import normalise
from scoring_server.faq.training.calibration import fit_none, fit_weights
from scoring_server.faq.training.features import NgramCounter
from scoring_server.faq.training.folds import duplicate_folds, original_folds
from scoring_server.faq.training.scorer import LinearSettings, Scorer, Scores, TextFeatures

# Held-out scores are dense, (questions, originals): this many numbers are 160 MB.
_MAX_HELD_OUT = 20_000_000
# With so many texts per original an n-gram that a single text has tells little.
_PLENTY = 20
# With fewer texts per original the cosine ranks as well alone: on BANKING77 the linear score brings
# 0.0 points Acc@1 with 4 texts, 0.2 with 6, 1.1 with 11 and 2.8 with 21. It fills the whole matrix,
# where the cosine's is sparse: so much is stored for that little only where it is small.
_FEW = 8
_SMALL_MATRIX = 2_000_000


@dataclass(frozen=True)
class HeldOut:
    """What the model says of questions that it was not trained on.

    Attributes:
        probabilities: of duplicates that were left out, shape (duplicates, originals).
        truth: the index of the original of each of them, shape (duplicates,).
        none_if_answered: P(none) of the same questions.
        none_if_unanswered: P(none) of questions whose original was left out.
    """

    probabilities: NDArray[np.float64]
    truth: NDArray[np.intp]
    none_if_answered: NDArray[np.float64]
    none_if_unanswered: NDArray[np.float64]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether the first match of each duplicate that was left out is right."""
        return np.asarray(self.probabilities.argmax(axis=1) == self.truth)


class FaqMatcher(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # sklearn is untyped
    """Which original does a question ask again?

    TF-IDF of word and character n-grams; a one-vs-rest linear model and the cosine to each
    original's centroid, added with two weights that are fitted by softmax on held-out duplicates,
    which also calibrates the probabilities. A second model, fitted on questions whose original was
    left out, tells the probability that none of the originals answers.

    Args:
        word_ngrams: fewest and most words of a word n-gram.
        char_ngrams: fewest and most characters of a character n-gram, within words.
        char_weight: norm of the character block; that of the word block is 1. 1.3 was best or next
            to best on BANKING77 and COVID-Q with few duplicates (1 to 1.6 tried).
        min_texts: n-grams in fewer texts count as unseen; None: 2 with more than `ridge_rows` texts
            and 20 per original (the same accuracy on BANKING77 with half of the features), else 1.
        ridge_rows: kernel ridge up to this many texts, LinearSVC above.
        ridge_alpha: regularisation of the kernel ridge.
        svc_c: inverse regularisation of LinearSVC.
        max_linear_originals: with more originals the cosine alone ranks, and with fewer as well
            where they have few texts and many n-grams.
        folds: parts of the duplicates, and of the originals, that are held out in turn; None: 5 up
            to `ridge_rows` texts, 3 above.
        random_state: seed of the folds and of LinearSVC.
        embeddings: vectors of words' pieces, for what a text means; None: n-grams alone.
        meaning_weight: norm of the meaning's features. 1.5 and 2 were best of 0.7 to 3 on BANKING77
            and COVID-Q with few duplicates.
        progress: called with (steps done, steps in all, what comes next).

    Attributes:
        classes_: the labels, sorted, shape (originals,).
        linear_: whether there is a linear score.
        weights_, none_: what was fitted on held-out scores.
        held_out_: the held-out predictions, for metrics.
    """

    def __init__(
        self,
        word_ngrams: tuple[int, int] = (1, 2),
        char_ngrams: tuple[int, int] = (2, 4),
        char_weight: float = 1.3,
        min_texts: int | None = None,
        ridge_rows: int = 3000,
        ridge_alpha: float = 1.0,
        svc_c: float = 0.3,
        max_linear_originals: int = 1000,
        folds: int | None = None,
        random_state: int = 0,
        embeddings: EmbeddingTable | None = None,
        meaning_weight: float = 2.0,
        progress: Callable[[int, int, str], None] | None = None,
    ) -> None:
        self.word_ngrams = word_ngrams
        self.char_ngrams = char_ngrams
        self.char_weight = char_weight
        self.min_texts = min_texts
        self.ridge_rows = ridge_rows
        self.ridge_alpha = ridge_alpha
        self.svc_c = svc_c
        self.max_linear_originals = max_linear_originals
        self.folds = folds
        self.random_state = random_state
        self.embeddings = embeddings
        self.meaning_weight = meaning_weight
        self.progress = progress

    def fit(
        self,
        texts: Sequence[str],
        y: ArrayLike,
        is_original: ArrayLike | None = None,
    ) -> "FaqMatcher":
        """Train.

        Args:
            texts: originals and duplicates, shape (texts,).
            y: the label of the original of each text, shape (texts,).
            is_original: which texts are the originals themselves; None: the first of each label.

        Raises:
            ValueError: nothing to learn from, texts that are not str, or lengths that differ.
        """
        given = _texts(texts)
        self.classes_, groups = np.unique(np.asarray(y), return_inverse=True)
        if not given or len(groups) != len(given):
            raise ValueError(
                f"{len(given)} texts and {len(groups)} labels: need as many, at least 1"
            )
        originals = _originals(groups, is_original)
        # One thread: the result must not depend on how many cores the trainer has.
        with threadpool_limits(limits=1):
            self._fit(given, groups.astype(np.intp), originals)
        return self

    def _fit(
        self, texts: list[str], groups: NDArray[np.intp], is_original: NDArray[np.bool_]
    ) -> None:
        rng = np.random.default_rng(self.random_state)
        large = len(texts) > self.ridge_rows
        folds = self.folds or (3 if large else 5)
        originals = len(self.classes_)
        plenty = large and len(texts) >= _PLENTY * originals
        min_texts = self.min_texts or (2 if plenty else 1)
        held_out = duplicate_folds(groups, is_original, folds, rng)
        left_out = original_folds(originals, folds, rng)
        step = _Steps(self.progress, len(held_out) + len(left_out) + 2)

        step("counting n-grams")
        self.counters_ = (
            NgramCounter.of_words(self.word_ngrams, texts),
            NgramCounter.of_chars(self.char_ngrams, texts),
        )
        features = self._features(texts)
        ngrams = sum(len(counter.places) for counter in self.counters_)
        is_worth_it = len(texts) >= _FEW * originals or ngrams * originals <= _SMALL_MATRIX
        self.linear_ = originals <= self.max_linear_originals and is_worth_it
        limit = max(1, _MAX_HELD_OUT // originals)

        def held_out_scores(test: NDArray[np.intp], train: NDArray[np.intp]) -> Scores:
            _, train_groups = np.unique(groups[train], return_inverse=True)
            scorer = self._scorer(features.take(train), train_groups, min_texts)
            return scorer.scores(features.take(test))

        answered: list[tuple[Scores, NDArray[np.intp]]] = []
        for part in held_out:
            step("training without some duplicates")
            test = _sample(part, limit // len(held_out), rng)
            scores = held_out_scores(test, np.setdiff1d(np.arange(len(texts)), part))
            answered.append((scores, groups[test]))
        unanswered: list[Scores] = []
        for part in left_out:
            step("training without some originals")
            outside = np.isin(groups, part)
            test = _sample(np.flatnonzero(outside), limit // len(left_out), rng)
            unanswered.append(held_out_scores(test, np.flatnonzero(~outside)))

        step("training with everything")
        self._calibrate(answered, unanswered)
        self.scorer_ = self._scorer(features, groups, min_texts)

    def _features(self, texts: list[str]) -> TextFeatures:
        counts = [counter.count(texts) for counter in self.counters_]
        table = self.embeddings
        meaning = np.zeros((len(texts), 0 if table is None else table.dimensions))
        if table is not None:
            for row, text in zip(meaning, texts, strict=True):
                direction = table.embed(normalise(text))
                if direction is not None:
                    row[:] = direction * self.meaning_weight
        return TextFeatures(counts, meaning)

    def _scorer(self, texts: TextFeatures, groups: NDArray[np.intp], min_texts: int) -> Scorer:
        settings = LinearSettings(
            ridge_rows=self.ridge_rows,
            ridge_alpha=self.ridge_alpha,
            svc_c=self.svc_c,
            seed=self.random_state,
        )
        norms = (1.0, self.char_weight)
        return Scorer.fit(texts, groups, norms, min_texts, settings if self.linear_ else None)

    def _calibrate(
        self, answered: list[tuple[Scores, NDArray[np.intp]]], unanswered: list[Scores]
    ) -> None:
        originals = len(self.classes_)
        nothing = np.zeros((0, originals))
        empty = Scores(nothing, nothing, None if self.embeddings is None else nothing)
        joined = Scores.join([scores for scores, _ in answered] or [empty])
        truth = np.concatenate([np.zeros(0, np.intp), *(labels for _, labels in answered)])
        self.weights_ = fit_weights(joined, truth)
        logits = self.weights_.logits(joined)
        none_logits = [self.weights_.logits(s) for s in unanswered]
        self.none_ = fit_none([logits], none_logits)
        self.held_out_ = HeldOut(
            probabilities=softmax(logits, axis=1),
            truth=truth,
            none_if_answered=self.none_.probability(logits),
            none_if_unanswered=np.concatenate(
                [np.zeros(0), *(self.none_.probability(z) for z in none_logits)]
            ),
        )

    def decision_function(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Logits, shape (texts, originals), columns as `classes_`."""
        check_is_fitted(self, "scorer_")
        given = _texts(texts)
        return self.weights_.logits(self.scorer_.scores(self._features(given)))

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Probability of each original if one of them answers, shape (texts, originals)."""
        return np.asarray(softmax(self.decision_function(texts), axis=1))

    def predict(self, texts: Sequence[str]) -> NDArray[Any]:
        """The most probable label of each text, shape (texts,)."""
        best = self.decision_function(texts).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def none_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Probability that none of the originals answers, shape (texts,)."""
        return self.none_.probability(self.decision_function(texts))

    def rank(
        self,
        texts: Sequence[str],
        top: int | None = None,
    ) -> list[list[tuple[Any, float]]]:
        """The labels with their probabilities, best first; equals in the order of `classes_`."""
        ranked = []
        for row in self.predict_proba(texts):
            order = np.argsort(-row, kind="stable")[:top]
            ranked.append([(self.classes_[i], float(row[i])) for i in order])
        return ranked


class _Steps:
    """Reports progress, if anybody wants to know."""

    def __init__(self, report: Callable[[int, int, str], None] | None, total: int) -> None:
        self._report = report
        self._total = total
        self._done = 0

    def __call__(self, what: str) -> None:
        if self._report is not None:
            self._report(self._done, self._total, what)
        self._done += 1


def _texts(values: Sequence[str]) -> list[str]:
    texts = list(values)
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"text {index} is a {type(text).__name__}, not a str")  # noqa: TRY004  # what scikit-learn raises
    return texts


def _originals(groups: NDArray[np.intp], is_original: ArrayLike | None) -> NDArray[np.bool_]:
    if is_original is None:
        first = np.zeros(len(groups), dtype=np.bool_)
        first[np.unique(groups, return_index=True)[1]] = True
        return first
    given = np.asarray(is_original, dtype=np.bool_)
    if given.shape != groups.shape:
        raise ValueError(f"is_original has shape {given.shape}, the texts have {groups.shape}")
    if len(np.unique(groups[given])) < len(np.unique(groups)):
        raise ValueError("is_original must mark a text of every label")
    return given


def _sample(indices: NDArray[np.intp], limit: int, rng: np.random.Generator) -> NDArray[np.intp]:
    if len(indices) <= limit:
        return indices
    return np.sort(rng.choice(indices, max(1, limit), replace=False))
