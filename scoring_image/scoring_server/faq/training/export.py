"""From the trained estimator to its serving form: everything collapsed into one matrix."""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from scoring_server.faq.model import EmbeddingBlock, FaqModel, NgramBlock, Originals
from scoring_server.faq.training.estimator import FaqMatcher
from scoring_server.faq.training.features import NgramCounter, Weighting
from scoring_server.faq.training.scorer import Scorer
from scoring_server.faq.weights import DenseMatrix, SparseMatrix, WeightMatrix

# A dense matrix of so many numbers takes 8 MB; above, the cosine alone is stored sparsely.
_MAX_DENSE = 2_000_000


def serving_form(
    matcher: FaqMatcher, originals: Originals, *, max_dense: int = _MAX_DENSE
) -> FaqModel:
    """Collapse a fitted matcher.

    logits = linear · (x W + b) + cosine · x C / |x|
           = x (linear · W + cosine · C / |x|) + linear · b,
    where |x| is the same for every question, because unseen n-grams count in it. So with the
    meaning, whose features always have the same norm as well, or are none.

    Args:
        matcher: fitted with the labels 0, 1, … for the originals.
        originals: in the order of these labels.
        max_dense: a matrix of more numbers is stored sparsely, if the cosine alone ranks.
    """
    scorer = matcher.scorer_
    kept = np.concatenate([weighting.idf > 0 for weighting in scorer.weightings])
    words, chars = (
        _block(counter, weighting, sizes)
        for counter, weighting, sizes in zip(
            matcher.counters_,
            scorer.weightings,
            (matcher.word_ngrams, matcher.char_ngrams),
            strict=True,
        )
    )
    weights = _matrix(scorer, matcher, kept, max_dense)
    embedding = None
    if matcher.embeddings is not None:
        embedding = EmbeddingBlock(matcher.embeddings, matcher.meaning_weight)
    return FaqModel(words, chars, weights, matcher.none_, originals, embedding=embedding)


def _matrix(
    scorer: Scorer, matcher: FaqMatcher, kept: NDArray[np.bool_], max_dense: int
) -> WeightMatrix:
    weights = matcher.weights_
    meaning = scorer.meaning * (weights.meaning / matcher.meaning_weight)
    cosine = scorer.centroids[np.flatnonzero(kept)] * (weights.cosine / scorer.norm)
    linear = scorer.coefficients if weights.linear > 0 else None
    if linear is None and cosine.shape[0] * cosine.shape[1] > max_dense:
        return _sparse(cosine, meaning)
    matrix = cosine.toarray()
    if linear is not None:
        matrix += weights.linear * linear[: len(kept)][kept]
        meaning += weights.linear * linear[len(kept) :]
    rows = np.vstack([matrix, weights.linear * scorer.intercept, meaning])
    return DenseMatrix(rows.astype(np.float32))


def _sparse(cosine: sp.csr_matrix, meaning: NDArray[np.float64]) -> SparseMatrix:
    cosine.sort_indices()
    return SparseMatrix.of_entries(
        # The intercept's row is empty: the cosine has none.
        starts=np.append(cosine.indptr, cosine.indptr[-1]).astype(np.int64),
        columns=cosine.indices,
        values=cosine.data.astype(np.float32),
        originals=cosine.shape[1],
        whole_rows=meaning.astype(np.float32) if len(meaning) else None,
    )


def _block(counter: NgramCounter, weighting: Weighting, sizes: tuple[int, int]) -> NgramBlock:
    kept = weighting.idf > 0
    ngrams = [ngram for ngram, place in counter.places.items() if kept[place]]
    idf: NDArray[np.float64] = np.append(weighting.idf[kept], weighting.unseen_idf)
    return NgramBlock(sizes, ngrams, idf, weighting.norm)
