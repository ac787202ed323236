"""The scores of a question against each original: one-vs-rest linear, and the cosines to the
centroids of its n-grams and, with a table of embeddings, of its meaning."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.svm import LinearSVC

from scoring_server.faq.training.features import (
    Counts,
    Weighting,
    centroids,
    dense_centroids,
    unit_rows,
)

# Looser than scikit-learn's 1e-4: the same Acc@1 and @3 to 0.0003 on BANKING77.
_SVC_TOLERANCE = 1e-2


@dataclass(frozen=True)
class LinearSettings:
    """How the linear score is trained.

    Attributes:
        ridge_rows: kernel ridge up to this many texts, LinearSVC above (the kernel grows with the
            square).
        ridge_alpha: regularisation of the kernel ridge.
        svc_c: inverse regularisation of LinearSVC.
        seed: of LinearSVC's coordinate descent.
    """

    ridge_rows: int
    ridge_alpha: float
    svc_c: float
    seed: int


@dataclass(frozen=True)
class Scores:
    """The scores of some questions, each of shape (questions, originals).

    Attributes:
        linear: of the n-grams and the meaning.
        cosine: of the n-grams.
        meaning: cosine of the meaning; None without a table of embeddings.
    """

    linear: NDArray[np.float64]
    cosine: NDArray[np.float64]
    meaning: NDArray[np.float64] | None

    @classmethod
    def join(cls, parts: Sequence["Scores"]) -> "Scores":
        """The scores of all questions of the parts, of which there must be one."""
        meanings = [part.meaning for part in parts if part.meaning is not None]
        return cls(
            np.vstack([part.linear for part in parts]),
            np.vstack([part.cosine for part in parts]),
            np.vstack(meanings) if meanings else None,
        )


@dataclass(frozen=True)
class TextFeatures:
    """What is known of some texts before anything is learned.

    Attributes:
        counts: of n-grams, one per block.
        meaning: the meaning's features, shape (texts, dimensions); 0 dimensions without a table.
    """

    counts: Sequence[Counts]
    meaning: NDArray[np.float64]

    def take(self, texts: NDArray[np.intp]) -> "TextFeatures":
        """The features of some of the texts, by index."""
        return TextFeatures([block.take(texts) for block in self.counts], self.meaning[texts])


@dataclass(frozen=True)
class Scorer:
    """Trained scores.

    Attributes:
        weightings: TF-IDF weighting of each block of n-grams.
        coefficients: of the linear score, shape (features, originals), the meaning's behind those
            of the n-grams; None where there is none.
        intercept: of the linear score, shape (originals,).
        centroids: of the originals' n-grams, with norm 1, sparse, shape (n-grams, originals).
        meaning: centroids of the originals' meanings, with norm 1, shape (dimensions, originals).
    """

    weightings: tuple[Weighting, ...]
    coefficients: NDArray[np.float64] | None
    intercept: NDArray[np.float64]
    centroids: sp.csr_matrix
    meaning: NDArray[np.float64]

    @classmethod
    def fit(
        cls,
        texts: TextFeatures,
        groups: NDArray[np.intp],
        norms: Sequence[float],
        min_texts: int,
        settings: LinearSettings | None,
    ) -> "Scorer":
        """Train on texts.

        Args:
            texts: to learn from.
            groups: the original of each text, numbered from 0 without a gap.
            norms: the norm of each block.
            min_texts: n-grams in fewer texts count as unseen.
            settings: of the linear score; None: the cosines alone rank.
        """
        weightings = tuple(
            Weighting.learn(block, groups, norm=norm, min_texts=min_texts)
            for block, norm in zip(texts.counts, norms, strict=True)
        )
        ngrams = _ngrams(weightings, texts.counts)
        originals = int(groups.max()) + 1
        coefficients, intercept = None, np.zeros(originals)
        if settings is not None:
            coefficients, intercept = _one_vs_rest(ngrams, texts.meaning, groups, settings)
        meaning = dense_centroids(texts.meaning, groups)
        return cls(weightings, coefficients, intercept, centroids(ngrams, groups), meaning)

    def scores(self, questions: TextFeatures) -> Scores:
        """Score questions."""
        ngrams = _ngrams(self.weightings, questions.counts)
        cosine = (ngrams @ self.centroids).toarray() / self.norm
        meaning = unit_rows(questions.meaning) @ self.meaning if len(self.meaning) else None
        if self.coefficients is None:
            return Scores(np.zeros_like(cosine), cosine, meaning)
        linear = ngrams @ self.coefficients[: ngrams.shape[1]] + self.intercept
        if meaning is not None:
            linear += questions.meaning @ self.coefficients[ngrams.shape[1] :]
        return Scores(linear, cosine, meaning)

    @property
    def norm(self) -> float:
        """The L2 norm of the n-grams of a text of which every one is known."""
        return float(np.sqrt(sum(weighting.norm**2 for weighting in self.weightings)))


def _ngrams(weightings: Sequence[Weighting], counts: Sequence[Counts]) -> sp.csr_matrix:
    blocks = [w.apply(block) for w, block in zip(weightings, counts, strict=True)]
    return sp.csr_matrix(sp.hstack(blocks))


def _one_vs_rest(
    ngrams: sp.csr_matrix,
    meaning: NDArray[np.float64],
    groups: NDArray[np.intp],
    settings: LinearSettings,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients, shape (features, originals), and intercept, shape (originals,)."""
    originals = int(groups.max()) + 1
    if len(groups) <= settings.ridge_rows or originals == 1:
        kernel = (ngrams @ ngrams.T).toarray() + meaning @ meaning.T
        kernel[np.diag_indices_from(kernel)] += settings.ridge_alpha
        targets = np.zeros((len(groups), originals))
        targets[np.arange(len(groups)), groups] = 1
        dual = np.linalg.solve(kernel, targets)
        return np.concatenate([ngrams.T @ dual, meaning.T @ dual]), np.zeros(originals)
    model = LinearSVC(C=settings.svc_c, tol=_SVC_TOLERANCE, random_state=settings.seed)
    model.fit(sp.csr_matrix(sp.hstack([ngrams, sp.csr_matrix(meaning)])), groups)
    if originals == 2:  # scikit-learn then gives the second class alone
        coefficients, intercept = np.ravel(model.coef_), float(model.intercept_[0])
        return np.stack([-coefficients, coefficients], axis=1), np.array([-intercept, intercept])
    return np.ascontiguousarray(model.coef_.T), model.intercept_
