"""From the trained estimator to its serving form: everything collapsed into one matrix."""

import numpy as np
from numpy.typing import NDArray

from scoring_server.faq.model import FaqModel, NgramBlock, Originals
from scoring_server.faq.training.estimator import FaqMatcher
from scoring_server.faq.training.features import NgramCounter, Weighting
from scoring_server.faq.weights import DenseMatrix


def serving_form(matcher: FaqMatcher, originals: Originals) -> FaqModel:
    """Collapse a fitted matcher.

    logits = linear · (x W + b) + cosine · (x C) / |x| = x (linear · W + cosine · C / |x|) + linear
    · b, where |x| is the same for every question, because unseen n-grams count in it.

    Args:
        matcher: fitted with the labels 0, 1, … for the originals.
        originals: in the order of these labels.
    """
    scorer, scale = matcher.scorer_, matcher.weights_
    matrix = scorer.centroids.toarray() * (scale.cosine / scorer.norm)
    if scorer.coefficients is not None:
        matrix += scale.linear * scorer.coefficients
    kept = np.concatenate([weighting.idf > 0 for weighting in scorer.weightings])
    rows = np.vstack([matrix[kept], scale.linear * scorer.intercept])
    words, chars = (
        _block(counter, weighting, sizes)
        for counter, weighting, sizes in zip(
            matcher.counters_,
            scorer.weightings,
            (matcher.word_ngrams, matcher.char_ngrams),
            strict=True,
        )
    )
    return FaqModel(words, chars, DenseMatrix(rows.astype(np.float32)), matcher.none_, originals)


def _block(counter: NgramCounter, weighting: Weighting, sizes: tuple[int, int]) -> NgramBlock:
    kept = weighting.idf > 0
    ngrams = [ngram for ngram, place in counter.places.items() if kept[place]]
    idf: NDArray[np.float64] = np.append(weighting.idf[kept], weighting.unseen_idf)
    return NgramBlock(sizes, ngrams, idf, weighting.norm)
