"""A model that compares meanings too: distilled, trained, written, served, all with one result."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from scoring_server.artefact import ModelLoadError, write_artefact
from scoring_server.faq.arrays import pack_arrays
from scoring_server.faq.cli import main
from scoring_server.faq.embedding_files import read_embeddings, write_embeddings
from scoring_server.faq.embeddings import EmbeddingTable
from scoring_server.faq.model import Originals
from scoring_server.faq.model_files import write_model
from scoring_server.faq.serving import FaqRanker, load
from scoring_server.faq.training.estimator import FaqMatcher
from scoring_server.faq.training.export import serving_form
from scoring_server.faq.weights import SparseMatrix
from tests.server.faq.conftest import SHIPPED, TINY
from tests.server.faq.encoders import VOCABULARY, write_encoder
from tests.server.faq.test_serving_equals_training import QUESTIONS, check

TEXTS = [text for original, duplicates in TINY.items() for text in (original, *duplicates)]
LABELS = [i for i, duplicates in enumerate(TINY.values()) for _ in range(1 + len(duplicates))]
ORIGINALS = Originals(list(range(len(TINY))), [f"a{i}" for i in range(len(TINY))], list(TINY))


@pytest.fixture(scope="module")
def distilled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artefact of a table of 16 dimensions."""
    folder = tmp_path_factory.mktemp("distilled")
    assert distil(write_encoder(folder / "encoder"), folder / "table") == 0
    return folder / "table"


@pytest.fixture(scope="module")
def table(distilled: Path) -> EmbeddingTable:
    """The distilled table."""
    return read_embeddings(distilled)[0]


@pytest.fixture(scope="module")
def matcher(table: EmbeddingTable) -> FaqMatcher:
    """Fitted on TINY with the table."""
    return FaqMatcher(embeddings=table).fit(TEXTS, LABELS)


def distil(encoder: Path, output: Path, *more: str) -> int:
    arguments = ["distil", "--encoder", str(encoder), "--output", str(output), "--quiet"]
    return main([*arguments, "--dimensions", "16", *more])


def test_every_ordinary_piece_has_a_vector(table: EmbeddingTable) -> None:
    assert table.pieces == VOCABULARY[6:]
    assert table.vectors.dtype == np.int8
    assert table.vectors.shape == (len(VOCABULARY) - 6, 16)
    assert np.abs(table.vectors).max() == 127


def test_the_commonest_pieces_weigh_least(table: EmbeddingTable) -> None:
    lengths = np.linalg.norm(table.vectors.astype(float), axis=1)
    assert lengths[:10].mean() < lengths[-10:].mean() / 5


def test_distilling_twice_gives_the_same_bytes_and_tells_of_what(
    tmp_path: Path, distilled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert distil(write_encoder(tmp_path / "encoder"), tmp_path / "again") == 0
    assert "16 dimensions" in capsys.readouterr().out
    again = {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()}
    assert again == {path.name: path.read_bytes() for path in distilled.iterdir()}
    encoder = json.loads(again["model.json"])["createdBy"]["encoder"]
    assert encoder["name"] == "tiny"
    assert len(encoder["files"]["model.safetensors"]) == 64


def test_the_encoder_of_an_installed_package_is_found_without_running_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "packaged_encoder"
    write_encoder(package / "files")
    (package / "__init__.py").write_text("raise SystemExit('must not run')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert distil(Path("packaged_encoder"), tmp_path / "table") == 0


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--encoder", "no/such"], "no/such is neither a folder nor an installed package"),
        (["--encoder", "json.decoder"], "neither a folder nor an installed package"),
        (["--encoder", "json"], "the package json holds 0 encoders"),
        (["--encoder", "."], "vocab.txt: No such file or directory"),
        (["--dimensions", "25"], "the encoder has 24 dimensions, not 25"),
    ],
)
def test_an_encoder_that_cannot_be_distilled_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    problem: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert distil(write_encoder(tmp_path / "encoder"), tmp_path / "table", *arguments) == 2
    told = capsys.readouterr().err
    assert problem in told
    assert told.count("\n") == 1
    assert not (tmp_path / "table").exists()


def test_an_encoder_that_is_none_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder = write_encoder(tmp_path / "encoder", model_type="gpt2")
    assert distil(encoder, tmp_path / "table") == 2
    assert "model_type is 'gpt2', must be 'bert'" in capsys.readouterr().err


@given(st.lists(QUESTIONS, min_size=1, max_size=4))
@example([""])
@example(["", "a", "open sunday", " "])
@example(["\ud800", "билет"])
@example(["open sunday " * 3000])
def test_serving_equals_training(matcher: FaqMatcher, questions: list[str]) -> None:
    check(matcher, FaqRanker(serving_form(matcher, ORIGINALS), {}), questions)


@pytest.mark.parametrize(
    "parameters",
    [{"ridge_rows": 1}, {"max_linear_originals": 1}, {"ridge_rows": 1, "min_texts": 2}],
    ids=["svc", "cosine", "dropped"],
)
def test_serving_equals_training_in_every_form(
    tmp_path: Path, table: EmbeddingTable, parameters: dict[str, Any]
) -> None:
    matcher = FaqMatcher(embeddings=table, **parameters).fit(TEXTS, LABELS)
    for max_dense in (10**6, 0):
        model = serving_form(matcher, ORIGINALS, max_dense=max_dense)
        check(matcher, FaqRanker(model, {}), ["refund", "", "how much билет", "open?"])
        is_sparse = isinstance(model.weights, SparseMatrix)
        assert is_sparse == (max_dense == 0 and "max_linear_originals" in parameters)
        write_model(tmp_path / "m", model, name="m", created_by={}, metrics={})
        loaded = load(tmp_path / "m")
        assert loaded.rank(["refund 5"]) == FaqRanker(model, {}).rank(["refund 5"])


def test_other_words_of_the_same_meaning_are_found() -> None:
    words = ["cash", "money", "sunday", "weekend", "x"]
    vectors = np.array([[100, 0], [90, 20], [0, 100], [10, 90], [0, 0]], np.int8)
    table = EmbeddingTable(words, vectors)
    assert table.embed("x") is None
    matcher = FaqMatcher(embeddings=table).fit(["cash", "sunday"], ["pay", "open"])
    assert list(matcher.predict(["money", "weekend"])) == ["pay", "open"]
    assert matcher.predict_proba(["money"]).max() > 0.6
    assert FaqMatcher().fit(["cash", "sunday"], ["pay", "open"]).predict_proba(["ox"]).max() == 0.5


def test_the_estimator_is_cloned_and_searched_with_its_table(table: EmbeddingTable) -> None:
    search = GridSearchCV(FaqMatcher(embeddings=table), {"meaning_weight": [1.0, 2.0]}, cv=2)
    search.fit(TEXTS, LABELS)
    assert search.best_estimator_.embeddings is table
    assert clone(search.best_estimator_).embeddings is table


def train(model: Path, *more: str) -> int:
    files = ("--originals", f"{SHIPPED}/originals.csv", "--duplicates", f"{SHIPPED}/duplicates.csv")
    return main(["train", *files, "--output", str(model), "--quiet", *more])


def test_a_model_is_trained_with_embeddings_and_carries_them(
    tmp_path: Path, distilled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        assert train(tmp_path / name, "--embeddings", str(distilled)) == 0
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in "ab"
    )
    assert first == second
    created_by = json.loads(first["model.json"])["createdBy"]
    assert created_by["weights"]["meaning"] >= 0
    assert created_by["data"]["embeddings"]["encoder"]["name"] == "tiny"
    assert "embeddings" not in created_by["parameters"]
    for name in ("embeddings.npz", "pieces.json"):
        assert first[name] == (distilled / name).read_bytes()
    capsys.readouterr()
    assert main(["inspect", "--model", str(tmp_path / "a")]) == 0
    assert "16 dimensions" in capsys.readouterr().out
    assert main(["inspect", "--model", str(tmp_path / "a"), "--original", "1"]) == 0
    assert main(["score", "--model", str(tmp_path / "a"), "how do I loop", "", "💸"]) == 0


def test_without_the_option_a_model_has_none(tmp_path: Path) -> None:
    assert train(tmp_path / "m") == 0
    assert not (tmp_path / "m" / "embeddings.npz").exists()
    assert load(tmp_path / "m").info["originals"] > 1


def test_what_is_no_table_is_refused_before_anything_is_written(
    tmp_path: Path, shipped_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for wrong, problem in (
        (tmp_path / "none", "does not exist"),
        (shipped_directory, "is of kind faq-matching"),
    ):
        assert train(tmp_path / "m", "--embeddings", str(wrong)) == 2
        assert problem in capsys.readouterr().err
        assert not (tmp_path / "m").exists()


VECTORS = np.ones((2, 3), np.int8)
DAMAGES: dict[str, dict[str, bytes]] = {
    "no vectors": {"embeddings.npz": pack_arrays({"other": VECTORS})},
    "other numbers": {"embeddings.npz": pack_arrays({"vectors": VECTORS.astype(np.int32)})},
    "too many vectors": {"embeddings.npz": pack_arrays({"vectors": np.ones((3, 3), np.int8)})},
    "no dimensions": {"embeddings.npz": pack_arrays({"vectors": np.ones((2, 0), np.int8)})},
    "one number each": {"embeddings.npz": pack_arrays({"vectors": np.ones(2, np.int8)})},
    "no npz": {"embeddings.npz": b"x"},
    "no JSON": {"pieces.json": b"x"},
    "no list": {"pieces.json": b'{"a": 1}'},
    "numbers": {"pieces.json": b"[1, 2]"},
    "twice the same": {"pieces.json": b'["a", "a"]'},
    "an empty piece": {"pieces.json": b'["a", ""]'},
    "no pieces": {
        "pieces.json": b"[]",
        "embeddings.npz": pack_arrays({"vectors": np.ones((0, 3), np.int8)}),
    },
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_table_that_is_not_whole_is_refused(tmp_path: Path, damage: str) -> None:
    files = {"embeddings.npz": pack_arrays({"vectors": VECTORS}), "pieces.json": b'["a", "b"]'}
    write_artefact(
        tmp_path / "t",
        kind="word-embeddings",
        name="t",
        weights="distilled",
        created_by={},
        files={**files, **DAMAGES[damage]},
    )
    with pytest.raises(ModelLoadError):
        read_embeddings(tmp_path / "t")


CHANGES: dict[str, Callable[[EmbeddingTable], EmbeddingTable]] = {
    "fewer dimensions": lambda table: EmbeddingTable(table.pieces, table.vectors[:, 1:]),
    "more dimensions": lambda table: EmbeddingTable(
        table.pieces, np.hstack([table.vectors, table.vectors])
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_table_that_does_not_fit_the_model_is_refused(
    tmp_path: Path, matcher: FaqMatcher, table: EmbeddingTable, change: str
) -> None:
    model = serving_form(matcher, ORIGINALS)
    other = CHANGES[change](table)
    write_embeddings(tmp_path / "other", other, name="x", created_by={})
    write_model(tmp_path / "m", model, name="m", created_by={}, metrics={})
    manifest = json.loads((tmp_path / "m" / "model.json").read_text())
    foreign = json.loads((tmp_path / "other" / "model.json").read_text())
    for name in ("embeddings.npz", "pieces.json"):
        (tmp_path / "m" / name).write_bytes((tmp_path / "other" / name).read_bytes())
        manifest["files"][name] = foreign["files"][name]
    (tmp_path / "m" / "model.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelLoadError, match="holds no weights of shape"):
        load(tmp_path / "m")
