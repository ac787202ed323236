"""Encoders for tests: the files of a tiny one of BERT's kind, with random numbers."""

import json
import struct
from pathlib import Path
from string import ascii_lowercase, digits, punctuation
from typing import Any

import numpy as np

WIDTH, HEADS, LAYERS, INNER, LONGEST = 24, 4, 2, 40, 8
WORDS = [
    "open",
    "sunday",
    "ticket",
    "price",
    "money",
    "back",
    "refund",
    "how",
    "much",
    "is",
    "when",
    "do",
    "you",
    "what",
    "the",
]
VOCABULARY = [
    "[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]",
    *punctuation, *digits, *ascii_lowercase, *"のис日", *WORDS,
    *(f"##{c}" for c in ascii_lowercase + digits), "##ing", "##билет", "##s\u2019", "билет",
]  # fmt: skip


def write_encoder(folder: Path, *, seed: int = 0, **config: Any) -> Path:
    """Write the files of an encoder; `config` replaces fields of its config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    fields = {
        "_name_or_path": "tiny",
        "model_type": "bert",
        "hidden_act": "gelu",
        "position_embedding_type": "absolute",
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "layer_norm_eps": 1e-12,
        **config,
    }
    (folder / "config.json").write_text(json.dumps(fields))
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True}))
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    (folder / "model.safetensors").write_bytes(_safetensors(_shapes(), seed))
    return folder


def _shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(VOCABULARY), WIDTH),
        "embeddings.position_embeddings.weight": (LONGEST, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        **_norm("embeddings.LayerNorm"),
    }
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            shapes |= _linear(f"{prefix}.attention.self.{part}", WIDTH, WIDTH)
        shapes |= _linear(f"{prefix}.attention.output.dense", WIDTH, WIDTH)
        shapes |= _norm(f"{prefix}.attention.output.LayerNorm")
        shapes |= _linear(f"{prefix}.intermediate.dense", WIDTH, INNER)
        shapes |= _linear(f"{prefix}.output.dense", INNER, WIDTH)
        shapes |= _norm(f"{prefix}.output.LayerNorm")
    return shapes


def _linear(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (WIDTH,), f"{name}.bias": (WIDTH,)}


def _safetensors(shapes: dict[str, tuple[int, ...]], seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    body = b""
    for name, shape in shapes.items():
        numbers = rng.normal(0, 0.5, shape).astype("<f4").tobytes()
        offsets = [len(body), len(body) + len(numbers)]
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": offsets}
        body += numbers
    head = json.dumps(header).encode()
    return struct.pack("<Q", len(head)) + head + body
