"""A written model loads as it was; a damaged or hostile one is refused, and nothing runs."""

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from numpy.typing import NDArray

from scoring_server.artefact import ModelLoadError, open_artefact, write_artefact
from scoring_server.faq.arrays import pack_arrays, unpack_arrays
from scoring_server.faq.model_files import read_model
from scoring_server.faq.serving import FaqRanker, load

Document = dict[str, Any]


class Bomb:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


@pytest.fixture
def parts(shipped_directory: Path) -> Document:
    """The decoded parts of a valid model: details, arrays, vocabulary, originals."""
    artefact = open_artefact(shipped_directory, "faq-matching")
    return {
        "details": dict(artefact.manifest.details),
        "arrays": {
            name: array.copy()
            for name, array in unpack_arrays(artefact.read_bytes("weights.npz"), "").items()
        },
        "vocabulary": orjson.loads(artefact.read_bytes("vocabulary.json")),
        "originals": orjson.loads(artefact.read_bytes("originals.json")),
        "answers": orjson.loads(artefact.read_bytes("answers.json")),
    }


def write(directory: Path, parts: Document, **files: bytes) -> Path:
    """Write the parts, with valid checksums, or other bytes in place of a file."""
    content = {
        "weights": files.get("weights") or pack_arrays(parts["arrays"]),
        "vocabulary": files.get("vocabulary") or orjson.dumps(parts["vocabulary"]),
        "originals": files.get("originals") or orjson.dumps(parts["originals"]),
        "answers": files.get("answers") or orjson.dumps(parts["answers"]),
    }
    write_artefact(
        directory,
        kind="faq-matching",
        name="m",
        weights="trained",
        created_by={},
        files={
            "weights.npz": content["weights"],
            "vocabulary.json": content["vocabulary"],
            "originals.json": content["originals"],
            "answers.json": content["answers"],
        },
        details=parts["details"],
    )
    return directory


def test_the_rewritten_parts_load(
    tmp_path: Path, parts: Document, shipped_ranker: FaqRanker
) -> None:
    ranker = load(write(tmp_path / "m", parts))
    assert ranker.rank(["loop over array"]) == shipped_ranker.rank(["loop over array"])


def test_an_object_array_is_refused_and_not_unpickled(tmp_path: Path, parts: Document) -> None:
    mark = tmp_path / "ran"
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=True, weights=np.array([Bomb(mark)], dtype=object))
    with pytest.raises(ModelLoadError, match="plain type"):
        load(write(tmp_path / "m", parts, weights=buffer.getvalue()))
    assert not mark.exists()


def test_a_pickle_in_place_of_a_file_is_refused_and_not_run(
    tmp_path: Path, parts: Document
) -> None:
    mark = tmp_path / "ran"
    bomb = pickle.dumps(Bomb(mark))
    for name in ("weights", "vocabulary", "originals"):
        with pytest.raises(ModelLoadError):
            load(write(tmp_path / "m", parts, **{name: bomb}))
    assert not mark.exists()


def test_a_compressed_bomb_is_refused_without_unpacking(tmp_path: Path, parts: Document) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, weights=np.zeros(50_000_000, np.float32))
    assert len(buffer.getvalue()) < 1_000_000
    with pytest.raises(ModelLoadError, match="compressed"):
        load(write(tmp_path / "m", parts, weights=buffer.getvalue()))


def test_a_header_that_claims_more_than_there_is_is_refused(
    tmp_path: Path, parts: Document
) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (10**12, 92)}
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("weights.npy", header.getvalue())
    with pytest.raises(ModelLoadError, match="not a file of plain arrays"):
        load(write(tmp_path / "m", parts, weights=buffer.getvalue()))


def test_too_many_arrays_are_refused() -> None:
    with pytest.raises(ModelLoadError, match="17 arrays"):
        unpack_arrays(pack_arrays({f"a{i}": np.zeros(1) for i in range(17)}), "x.npz")


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(3, np.complex128),
        np.zeros(3, "U5"),
        np.zeros(3, np.dtype(">f4")),
        np.zeros(3, [("a", np.float32)]),
        np.asfortranarray(np.zeros((2, 3))),
    ],
    ids=["complex", "text", "big-endian", "structured", "fortran"],
)
def test_arrays_of_other_kinds_are_refused(array: np.ndarray[Any, Any]) -> None:
    with pytest.raises(ModelLoadError, match=r"x\.npz is not a file of plain arrays"):
        unpack_arrays(pack_arrays({"a": array}), "x.npz")


def test_any_cut_or_flipped_npz_is_refused_or_read_but_never_crashes() -> None:
    data = pack_arrays({"a": np.arange(20.0), "b": np.arange(6, dtype=np.int64).reshape(2, 3)})
    damaged = [data[:length] for length in range(len(data))]
    damaged += [data[:i] + bytes([data[i] ^ 0xFF]) + data[i + 1 :] for i in range(len(data))]
    refused = 0
    for content in damaged:
        try:
            unpack_arrays(content, "x.npz")
        except ModelLoadError:
            refused += 1
    # A flipped bit of a number gives another number, one of the padding nothing; the manifest's
    # SHA-256 tells, not the npz.
    assert refused > len(damaged) * 0.6


def test_arrays_are_aligned_and_cannot_be_written() -> None:
    arrays = {"a": np.arange(5, dtype=np.float32), "b": np.arange(3.0), "c": np.zeros((0, 4))}
    for name, array in unpack_arrays(pack_arrays(arrays), "x.npz").items():
        assert array.flags.aligned
        assert not array.flags.writeable
        np.testing.assert_array_equal(array, arrays[name])


def test_the_same_arrays_give_the_same_bytes() -> None:
    first = pack_arrays({"a": np.arange(3.0), "b": np.zeros((2, 2), np.float32)})
    assert first == pack_arrays({"b": np.zeros((2, 2), np.float32), "a": np.arange(3.0)})


def no_finite(parts: Document) -> None:
    parts["arrays"]["weights"][5, 5] = np.nan


DAMAGES: dict[str, Callable[[Document], object]] = {
    "weights missing": lambda p: p["arrays"].pop("weights"),
    "weights of another shape": lambda p: p["arrays"].update(weights=p["arrays"]["weights"][1:]),
    "weights of another type": lambda p: p["arrays"].update(
        weights=p["arrays"]["weights"].astype(np.float64)
    ),
    "weights not finite": no_finite,
    "idf missing": lambda p: p["arrays"].pop("word_idf"),
    "idf too short": lambda p: p["arrays"].update(char_idf=p["arrays"]["char_idf"][1:]),
    "idf infinite": lambda p: p["arrays"]["word_idf"].fill(np.inf),
    "n-gram twice": lambda p: p["vocabulary"]["word"].__setitem__(0, p["vocabulary"]["word"][1]),
    "n-gram that is a number": lambda p: p["vocabulary"]["char"].__setitem__(0, 1),
    "vocabulary without words": lambda p: p["vocabulary"].pop("word"),
    "vocabulary that is a list": lambda p: p.update(vocabulary=[1]),
    "no originals": lambda p: p.update(originals={"ids": [], "answerIds": [], "texts": []}),
    "fewer texts": lambda p: p["originals"]["texts"].pop(),
    "id twice": lambda p: p["originals"]["ids"].__setitem__(0, p["originals"]["ids"][1]),
    "id that is a list": lambda p: p["originals"]["ids"].__setitem__(0, [1]),
    "id that is true": lambda p: p["originals"]["answerIds"].__setitem__(0, True),
    "sizes missing": lambda p: p["details"].pop("wordNgrams"),
    "sizes reversed": lambda p: p["details"].update(charNgrams=[4, 2]),
    "sizes huge": lambda p: p["details"].update(charNgrams=[1, 10**6]),
    "sizes text": lambda p: p["details"].update(charNgrams="24"),
    "norm text": lambda p: p["details"].update(wordNorm="1"),
    "none missing": lambda p: p["details"].pop("noneOfThese"),
    "none incomplete": lambda p: p["details"]["noneOfThese"].pop("lead"),
    "no threshold of none": lambda p: p["details"]["noneOfThese"].pop("threshold"),
    "fewer answers": lambda p: p["answers"]["texts"].pop(),
    "answers twice": lambda p: p["answers"]["ids"].__setitem__(0, p["answers"]["ids"][1]),
    "an answer that is a number": lambda p: p["answers"]["texts"].__setitem__(0, 1),
    "an address that is a number": lambda p: p["answers"]["urls"].__setitem__(0, 1),
    "answers without addresses": lambda p: p["answers"].pop("urls"),
    "none true": lambda p: p["details"]["noneOfThese"].update(top=True),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_model_that_is_not_whole_is_refused(tmp_path: Path, parts: Document, damage: str) -> None:
    DAMAGES[damage](parts)
    with pytest.raises(ModelLoadError):
        load(write(tmp_path / "m", parts))


def test_an_artefact_of_images_is_refused(tmp_path: Path) -> None:
    write_artefact(
        tmp_path / "m",
        kind="image-classification",
        name="m",
        weights="random",
        created_by={},
        files={"a": b"x"},
    )
    with pytest.raises(ModelLoadError, match="is of kind image-classification"):
        load(tmp_path / "m")


def test_a_model_without_its_files_is_refused(tmp_path: Path) -> None:
    write_artefact(
        tmp_path / "m",
        kind="faq-matching",
        name="m",
        weights="trained",
        created_by={},
        files={"a": b"x"},
    )
    with pytest.raises(ModelLoadError, match=r"has no file weights\.npz"):
        load(tmp_path / "m")


def test_ids_come_back_as_they_were_given(tmp_path: Path, parts: Document) -> None:
    count = len(parts["originals"]["ids"])
    parts["originals"]["ids"] = [f"0{i}" for i in range(count)]
    parts["originals"]["answerIds"] = [2**63 - 1 - i for i in range(count)]
    (ranking,) = load(write(tmp_path / "m", parts)).rank(["undefined"])
    assert {match.original_id for match in ranking.matches} == {f"0{i}" for i in range(count)}
    assert {type(match.answer_id) for match in ranking.matches} == {int}


def test_a_model_is_read_where_it_lies_in_the_verified_file() -> None:
    data = pack_arrays({f"a{i}": np.arange(i, dtype=np.float32) for i in range(1, 12)})
    whole = np.frombuffer(data, np.uint8)
    for array in unpack_arrays(data, "x.npz").values():
        assert np.shares_memory(array, whole)


def test_numpy_reads_what_was_written_and_the_other_way_round() -> None:
    arrays: dict[str, NDArray[Any]]
    arrays = {"a": np.arange(5, dtype=np.uint16), "b": np.ones((2, 3)), "c": np.zeros(0, np.int32)}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    read = np.load(io.BytesIO(pack_arrays(arrays)), allow_pickle=False)
    for name, array in unpack_arrays(buffer.getvalue(), "x.npz").items():
        np.testing.assert_array_equal(array, arrays[name])
        np.testing.assert_array_equal(read[name], arrays[name])


def test_a_loaded_model_is_that_of_the_moment_when_it_was_verified(
    tmp_path: Path, parts: Document, shipped_ranker: FaqRanker
) -> None:
    directory = write(tmp_path / "m", parts)
    artefact = open_artefact(directory, "faq-matching", keep=True)
    for path in directory.iterdir():
        path.write_bytes(b"replaced")
    model = read_model(artefact)
    expected = shipped_ranker.rank(["loop over array"])
    assert FaqRanker(model, {}).rank(["loop over array"]) == expected
