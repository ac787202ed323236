"""The two scores of a question against each original: one-vs-rest linear, and centroid cosine."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.svm import LinearSVC

from scoring_server.faq.training.features import Counts, Weighting, centroids

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
        max_originals: above this many originals there is no linear score, the cosine alone ranks.
        seed: of LinearSVC's coordinate descent.
    """

    ridge_rows: int
    ridge_alpha: float
    svc_c: float
    max_originals: int
    seed: int


@dataclass(frozen=True)
class Scores:
    """Both scores of some questions, each of shape (questions, originals)."""

    linear: NDArray[np.float64]
    cosine: NDArray[np.float64]


@dataclass(frozen=True)
class Scorer:
    """Trained scores.

    Attributes:
        weightings: TF-IDF weighting of each block of n-grams.
        coefficients: of the linear score, shape (features, originals); None where there is none.
        intercept: of the linear score, shape (originals,).
        centroids: of the originals, with norm 1, sparse, shape (features, originals).
    """

    weightings: tuple[Weighting, ...]
    coefficients: NDArray[np.float64] | None
    intercept: NDArray[np.float64]
    centroids: sp.csr_matrix

    @classmethod
    def fit(
        cls,
        counts: Sequence[Counts],
        groups: NDArray[np.intp],
        norms: Sequence[float],
        min_texts: int,
        settings: LinearSettings,
    ) -> "Scorer":
        """Train on texts.

        Args:
            counts: of the texts, one per block.
            groups: the original of each text, numbered from 0 without a gap.
            norms: the norm of each block.
            min_texts: n-grams in fewer texts count as unseen.
            settings: of the linear score.
        """
        weightings = tuple(
            Weighting.learn(block, groups, norm=norm, min_texts=min_texts)
            for block, norm in zip(counts, norms, strict=True)
        )
        features = _features(weightings, counts)
        originals = int(groups.max()) + 1
        coefficients, intercept = None, np.zeros(originals)
        if originals <= settings.max_originals:
            coefficients, intercept = _one_vs_rest(features, groups, settings)
        return cls(weightings, coefficients, intercept, centroids(features, groups))

    def scores(self, counts: Sequence[Counts]) -> Scores:
        """Score questions by their counts, one per block."""
        features = _features(self.weightings, counts)
        cosine = (features @ self.centroids).toarray() / self.norm
        if self.coefficients is None:
            return Scores(np.zeros_like(cosine), cosine)
        return Scores(features @ self.coefficients + self.intercept, cosine)

    @property
    def norm(self) -> float:
        """The L2 norm of a text of which every n-gram is known."""
        return float(np.sqrt(sum(weighting.norm**2 for weighting in self.weightings)))


def _features(weightings: Sequence[Weighting], counts: Sequence[Counts]) -> sp.csr_matrix:
    blocks = [w.apply(block) for w, block in zip(weightings, counts, strict=True)]
    return sp.csr_matrix(sp.hstack(blocks))


def _one_vs_rest(
    features: sp.csr_matrix, groups: NDArray[np.intp], settings: LinearSettings
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients, shape (features, originals), and intercept, shape (originals,)."""
    originals = int(groups.max()) + 1
    if len(groups) <= settings.ridge_rows or originals == 1:
        kernel = (features @ features.T).toarray()
        kernel[np.diag_indices_from(kernel)] += settings.ridge_alpha
        targets = np.zeros((len(groups), originals))
        targets[np.arange(len(groups)), groups] = 1
        return features.T @ np.linalg.solve(kernel, targets), np.zeros(originals)
    model = LinearSVC(C=settings.svc_c, tol=_SVC_TOLERANCE, random_state=settings.seed)
    model.fit(features, groups)
    if originals == 2:  # scikit-learn then gives the second class alone
        coefficients, intercept = np.ravel(model.coef_), float(model.intercept_[0])
        return np.stack([-coefficients, coefficients], axis=1), np.array([-intercept, intercept])
    return np.ascontiguousarray(model.coef_.T), model.intercept_
