"""What a text means, roughly: the sum of the vectors of its words' pieces."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring_server.faq.wordpiece import WordPiece


@dataclass(frozen=True, eq=False)
class EmbeddingTable:
    """A vector for each piece of a word, which does not depend on the words beside it.

    Attributes:
        pieces: the vocabulary of the tokenizer.
        vectors: in their order, shape (pieces, dimensions), int8; rare pieces have long ones.
    """

    pieces: list[str]
    vectors: NDArray[np.int8]

    @property
    def dimensions(self) -> int:
        """The length of a vector."""
        dimensions: int = self.vectors.shape[1]
        return dimensions

    @cached_property
    def places(self) -> dict[str, int]:
        """From piece to its place."""
        return dict(zip(self.pieces, range(len(self.pieces)), strict=True))

    def embed(self, normalised: str) -> NDArray[np.float64] | None:
        """The direction of the sum of a text's vectors, shape (dimensions,), with norm 1.

        Returns:
            None where no piece of the text has a vector.
        """
        places = self._tokenise(normalised)
        if not places:
            return None
        # Sums of whole numbers: the same bits in training and serving, in any order.
        total = self.vectors[places].sum(axis=0, dtype=np.int32).astype(np.float64)
        norm = math.sqrt(total @ total)
        return total / norm if norm > 0 else None

    @cached_property
    def _tokenise(self) -> WordPiece:
        return WordPiece(self.places)

    def __deepcopy__(self, memo: dict[int, Any]) -> "EmbeddingTable":
        """Itself, as nothing changes it: scikit-learn's clone would copy megabytes."""
        return self
