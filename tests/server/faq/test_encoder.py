"""The encoder computes what PyTorch does; what is not one is refused with a reason."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scoring_server.faq.training.encoder import Encoder, EncoderError, read_encoder
from tests.server.faq.encoders import HEADS, INNER, LAYERS, VOCABULARY, WIDTH, write_encoder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of a tiny encoder."""
    return write_encoder(tmp_path / "encoder")


def test_its_vectors_are_those_of_pytorchs_transformer(folder: Path) -> None:
    encoder = read_encoder(folder)
    sequences = np.random.default_rng(1).integers(0, len(VOCABULARY), (5, 3))
    np.testing.assert_allclose(encoder.encode(sequences), by_pytorch(encoder, sequences), atol=1e-5)


def by_pytorch(encoder: Encoder, sequences: np.ndarray) -> np.ndarray:
    """The same with torch.nn's layers, which are those of BERT where they normalise last."""
    torch = pytest.importorskip("torch", reason="compares with PyTorch's own layers")
    w = {name: torch.from_numpy(numbers.copy()) for name, numbers in encoder.weights.items()}
    x = w["embeddings.word_embeddings.weight"][torch.from_numpy(sequences)]
    x = x + w["embeddings.position_embeddings.weight"][: sequences.shape[1]]
    x = x + w["embeddings.token_type_embeddings.weight"][0]
    norm = (w["embeddings.LayerNorm.weight"], w["embeddings.LayerNorm.bias"])
    x = torch.nn.functional.layer_norm(x, (WIDTH,), *norm, eps=encoder.epsilon)
    for number in range(LAYERS):
        layer = torch.nn.TransformerEncoderLayer(
            WIDTH, HEADS, INNER, 0.0, "gelu", encoder.epsilon, batch_first=True
        ).eval()
        p = f"encoder.layer.{number}"
        parts = [f"{p}.attention.self.{part}" for part in ("query", "key", "value")]
        layer.load_state_dict(
            {
                "self_attn.in_proj_weight": torch.cat([w[f"{part}.weight"] for part in parts]),
                "self_attn.in_proj_bias": torch.cat([w[f"{part}.bias"] for part in parts]),
                **{
                    f"{ours}.{kind}": w[f"{p}.{theirs}.{kind}"]
                    for kind in ("weight", "bias")
                    for ours, theirs in (
                        ("self_attn.out_proj", "attention.output.dense"),
                        ("norm1", "attention.output.LayerNorm"),
                        ("linear1", "intermediate.dense"),
                        ("linear2", "output.dense"),
                        ("norm2", "output.LayerNorm"),
                    )
                },
            }
        )
        with torch.no_grad():
            x = layer(x)
    vectors: np.ndarray = x.numpy()
    return vectors


def test_special_pieces_are_not_those_of_texts(folder: Path) -> None:
    encoder = read_encoder(folder)
    ordinary = [encoder.vocabulary[place] for place in encoder.ordinary]
    assert ordinary == VOCABULARY[6:]


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"model_type": "roberta"}, "model_type is 'roberta', must be 'bert'"),
        ({"hidden_act": "relu"}, "hidden_act is 'relu'"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type"),
        ({"num_hidden_layers": 3}, "encoder.layer.2"),
        ({"num_attention_heads": 5}, "not the files of one encoder"),
        ({"num_attention_heads": 0}, "not the files of one encoder"),
        ({"layer_norm_eps": None}, "not the files of one encoder"),
    ],
)
def test_another_kind_is_refused(tmp_path: Path, config: dict[str, Any], problem: str) -> None:
    with pytest.raises(EncoderError, match=problem):
        read_encoder(write_encoder(tmp_path / "e", **config))


def test_files_that_do_not_belong_together_are_refused(folder: Path) -> None:
    (folder / "vocab.txt").write_text("[CLS]\n[SEP]\na\n")
    with pytest.raises(EncoderError, match="differ in their length"):
        read_encoder(folder)


def test_a_tokenizer_that_keeps_case_is_refused(folder: Path) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": False}))
    with pytest.raises(EncoderError, match="must be one that folds case"):
        read_encoder(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer_config.json"])
@pytest.mark.parametrize("content", [b"", b"[1]", b"\xff" * 100, b"\x10\0\0\0\0\0\0\0{"])
def test_damaged_files_are_refused(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(EncoderError):
        read_encoder(folder)
