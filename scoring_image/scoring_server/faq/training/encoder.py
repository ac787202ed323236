"""A sentence encoder of BERT's kind, read from its published files and run with numpy.

What a table of embeddings is distilled from. Sequences of a few pieces, all of the same length:
there is neither padding nor a mask. The architecture is that of Devlin et al. 2019.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

Floats = NDArray[np.float32]

CONFIG, WEIGHTS, VOCABULARY, TOKENIZER = (
    "config.json",
    "model.safetensors",
    "vocab.txt",
    "tokenizer_config.json",
)
FILES: Final = (CONFIG, WEIGHTS, VOCABULARY, TOKENIZER)
_EXPECTED: Final = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "position_embedding_type": "absolute",
}
_SPECIAL = re.compile(r"\[[A-Za-z0-9 ]+\]")


class EncoderError(Exception):
    """The files are not those of an encoder that can be distilled."""


@dataclass(frozen=True)
class Encoder:
    """An uncased encoder.

    Attributes:
        name: what its configuration calls it; "" where that says nothing.
        vocabulary: pieces of words, special ones too, the commonest first.
        heads, layers: of the attention.
        epsilon: of the normalisation.
        weights: by the names of the file.
    """

    name: str
    vocabulary: list[str]
    heads: int
    layers: int
    epsilon: float
    weights: dict[str, Floats]

    @property
    def ordinary(self) -> NDArray[np.intp]:
        """The places of the pieces that texts can have: all but [CLS], [unused7], …"""
        pieces = enumerate(self.vocabulary)
        return np.array([i for i, piece in pieces if not _SPECIAL.fullmatch(piece)], np.intp)

    def place(self, piece: str) -> int:
        """The place of a special piece.

        Raises:
            EncoderError: the vocabulary has none.
        """
        if piece not in self.vocabulary:
            raise EncoderError(f"{VOCABULARY} has no {piece}")
        return self.vocabulary.index(piece)

    def encode(self, sequences: NDArray[np.intp]) -> Floats:
        """The last layer's vectors of some sequences.

        Args:
            sequences: places in the vocabulary, shape (sequences, length).

        Returns:
            Shape (sequences, length, width).
        """
        w = self.weights
        count, length = sequences.shape
        x = w["embeddings.word_embeddings.weight"][sequences]
        x = x + w["embeddings.position_embeddings.weight"][:length]
        x = self._normalised(
            x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm"
        )
        for layer in range(self.layers):
            prefix = f"encoder.layer.{layer}"
            attended = self._attended(x, f"{prefix}.attention.self", count, length)
            attended = self._linear(attended, f"{prefix}.attention.output.dense")
            x = self._normalised(x + attended, f"{prefix}.attention.output.LayerNorm")
            hidden = self._linear(x, f"{prefix}.intermediate.dense")
            hidden *= np.float32(0.5) * (1 + erf(hidden / np.sqrt(np.float32(2))))
            hidden = self._linear(hidden, f"{prefix}.output.dense")
            x = self._normalised(x + hidden, f"{prefix}.output.LayerNorm")
        return x

    def _attended(self, x: Floats, prefix: str, count: int, length: int) -> Floats:
        shape = (count, length, self.heads, x.shape[2] // self.heads)
        query, key, value = (
            self._linear(x, f"{prefix}.{part}").reshape(shape).transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 1, 3, 2) / np.sqrt(np.float32(shape[3]))
        scores = np.exp(scores - scores.max(axis=3, keepdims=True))
        scores /= scores.sum(axis=3, keepdims=True)
        attended: Floats = (scores @ value).transpose(0, 2, 1, 3).reshape(x.shape)
        return attended

    def _linear(self, x: Floats, name: str) -> Floats:
        product: Floats = x @ self.weights[f"{name}.weight"].T
        product += self.weights[f"{name}.bias"]
        return product

    def _normalised(self, x: Floats, name: str) -> Floats:
        x = x - x.mean(axis=2, keepdims=True)
        x /= np.sqrt(np.square(x).mean(axis=2, keepdims=True) + np.float32(self.epsilon))
        normalised: Floats = x * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]
        return normalised


def read_encoder(directory: Path) -> Encoder:
    """Read an encoder.

    Args:
        directory: holds config.json, model.safetensors, vocab.txt and tokenizer_config.json.

    Raises:
        EncoderError: it is of another kind, or its files are not as they should be.
        OSError: a file cannot be read.
    """
    config = _json_object(directory / CONFIG)
    for key, expected in _EXPECTED.items():
        if config.get(key) != expected:
            raise EncoderError(f"{CONFIG}: {key} is {config.get(key)!r}, must be {expected!r}")
    if _json_object(directory / TOKENIZER).get("do_lower_case") is not True:
        raise EncoderError(f"{TOKENIZER}: the tokenizer must be one that folds case")
    vocabulary = (directory / VOCABULARY).read_text(encoding="utf-8").splitlines()
    try:
        encoder = Encoder(
            name=str(config.get("_name_or_path", "")),
            vocabulary=vocabulary,
            heads=int(config["num_attention_heads"]),
            layers=int(config["num_hidden_layers"]),
            epsilon=float(config["layer_norm_eps"]),
            weights=_read_safetensors(directory / WEIGHTS),
        )
        vectors = encoder.encode(np.zeros((1, 1), np.intp))
    except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError) as error:
        raise EncoderError(f"{directory}: not the files of one encoder ({error!r})") from None
    if len(encoder.weights["embeddings.word_embeddings.weight"]) != len(vocabulary):
        raise EncoderError(f"{directory}: {VOCABULARY} and {WEIGHTS} differ in their length")
    if not np.isfinite(vectors).all():
        raise EncoderError(f"{WEIGHTS}: its numbers are not finite")
    return encoder


def _json_object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise EncoderError(f"{path} is not a JSON object")
    return value


def _read_safetensors(path: Path) -> dict[str, Floats]:
    """The float32 tensors of a file: a length, a JSON header, then numbers as they are."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            first, end = entry["data_offsets"]
            numbers = np.frombuffer(data[start + first : start + end], "<f4")
            tensors[name] = numbers.reshape(entry["shape"])
    return tensors
