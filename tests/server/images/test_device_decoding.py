"""JPEG files that the process with the GPU decodes: the same code on the CPU."""

import io
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from scoring_server.batching import run
from scoring_server.images.backends import device_of
from scoring_server.images.backends.jpeg import JpegDecoder, open_decoder
from scoring_server.images.backends.torch import TorchBackend
from scoring_server.images.calibration import Calibration
from scoring_server.images.classifier import ImageClassifier, NamedImageRefused
from scoring_server.images.decode import decode, is_plain_jpeg, open_image
from scoring_server.images.preprocess import Preprocessing
from scoring_server.images.sharing.client import OwnerQueue
from scoring_server.images.sharing.facts import ModelFacts
from scoring_server.images.sharing.owner import Owner
from tests.server.colour_model import LABELS
from tests.server.pictures import BLUE, GREEN, RED, encode, plain

SIDE = 32
WAY = Preprocessing("standard", SIDE, 40, "bilinear")
CPU = torch.device("cpu")
SOON = 60.0


class Means(torch.nn.Module):
    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return pictures.to(torch.float32).mean(dim=(1, 2)) / 10


def patches(width: int, height: int, seed: int = 0) -> Image.Image:
    small = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def as_array(data: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(data, np.uint8)


@pytest.mark.parametrize("size", [(500, 375), (375, 500), (40, 40), (41, 333), (30, 20)])
def test_it_gives_what_workers_would_to_within_a_grey_level(size: tuple[int, int]) -> None:
    files = [encode(patches(*size, seed=seed), "JPEG", quality=92) for seed in range(3)]
    files.append(encode(patches(*size).convert("L"), "JPEG"))
    decoded = JpegDecoder(WAY, CPU).decode([as_array(file) for file in files])
    for file, found in zip(files, decoded, strict=True):
        assert found is not None
        wanted = WAY.apply(decode(file)).astype(int)
        assert np.abs(found.numpy().astype(int) - wanted).max() <= 1


def test_a_damaged_file_spoils_none_beside_it() -> None:
    good = as_array(plain())
    decoded = JpegDecoder(WAY, CPU).decode([good, as_array(plain()[:-300]), good, as_array(b"no")])
    assert [picture is not None for picture in decoded] == [True, False, True, False]


def test_files_and_pictures_are_computed_in_one_batch() -> None:
    backend = TorchBackend(Means(), "cpu", size=SIDE, max_batch=8, decoder=JpegDecoder(WAY, CPU))
    picture = WAY.apply(decode(plain(BLUE)))
    found = backend.infer_mixed([as_array(plain(RED)), picture, as_array(b"none")])
    assert found[2] is None
    labels = [int(np.argmax(row)) for row in found if row is not None]
    assert labels == [0, 2]
    assert backend.infer_mixed([as_array(b"none")]) == [None]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (plain(), True),
        (encode(patches(50, 50).convert("L"), "JPEG"), True),
        (plain(image_format="PNG"), False),
        (encode(patches(50, 50).convert("CMYK"), "JPEG"), False),
        (encode(patches(50, 50), "JPEG", progressive=True), False),
        (plain() + b"more", False),
    ],
    ids=["usual", "grey", "PNG", "CMYK", "progressive", "something behind it"],
)
def test_only_what_every_decoder_reads_alike_is_handed_over(data: bytes, expected: bool) -> None:
    assert is_plain_jpeg(open_image(data), data) is expected


def test_a_turned_photograph_is_not_handed_over() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encode(patches(50, 50), "JPEG", exif=exif)
    assert not is_plain_jpeg(open_image(data), data)


@pytest.mark.parametrize(
    "way",
    [
        Preprocessing("reference", SIDE, SIDE, "bicubic"),
        Preprocessing("standard", SIDE, 40, "bicubic"),
    ],
)
def test_where_the_device_would_give_other_pictures_workers_decode(way: Preprocessing) -> None:
    assert open_decoder(way, CPU, plain()) is None


def test_where_the_device_cannot_decode_workers_do() -> None:
    assert open_decoder(WAY, CPU, plain()) is not None
    assert open_decoder(WAY, CPU, b"none") is None


@pytest.fixture
def classifier(tmp_path: Path) -> Iterator[ImageClassifier]:
    """A worker's, whose JPEG files another process would decode."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "owner.sock"))
    listener.listen()
    reading, alive = os.pipe()
    owner = Owner(listener, reading)
    backend = TorchBackend(
        Means(), "cpu", size=SIDE, max_batch=8, lanes=2, decoder=JpegDecoder(WAY, CPU)
    )
    facts = ModelFacts(
        LABELS, WAY, device_of(backend), Calibration(8, False, {}), {}, backend.jpeg_bytes
    )
    owner.own(backend, facts, slots=16)
    thread = threading.Thread(target=owner.run)
    thread.start()
    queue = OwnerQueue(tmp_path / "owner.sock", places=16)
    made = ImageClassifier(
        queue,
        queue.facts.device,
        queue.facts.labels,
        queue.facts.preprocessing,
        decoders=1,
        calibration=queue.facts.calibration,
        jpeg_bytes=queue.facts.jpeg_bytes,
    )
    made.start()
    yield made
    made.close(SOON)
    os.close(alive)
    thread.join(SOON)
    listener.close()


def test_files_of_every_kind_are_classified(classifier: ImageClassifier) -> None:
    images = {
        "red": plain(RED),
        "green": plain(GREEN, image_format="PNG"),
        "blue": encode(Image.new("RGB", (60, 50), BLUE), "JPEG", progressive=True),
        "large green": plain(GREEN, (2500, 1500)),
    }
    answers = run(classifier.classify(images, time.monotonic() + SOON))
    for name, answer in answers.items():
        assert answer[0].label.endswith(name.split()[-1])


def test_a_damaged_file_refuses_its_own_request_and_no_other(classifier: ImageClassifier) -> None:
    damaged = bytearray(encode(patches(300, 200), "JPEG"))
    damaged[damaged.index(b"\xff\xda") + 6] = 0x33  # Huffman tables that are not there
    assert is_plain_jpeg(open_image(bytes(damaged)), bytes(damaged))
    failures: list[str] = []

    def ask(number: int) -> None:
        try:
            answer = run(classifier.classify({"x": plain(RED)}, time.monotonic() + SOON))["x"]
        except NamedImageRefused:
            failures.append(f"{number} was refused")
        else:
            if not answer[0].label.endswith("red"):
                failures.append(answer[0].label)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    with pytest.raises(NamedImageRefused) as caught:
        run(classifier.classify({"bad": bytes(damaged)}, time.monotonic() + SOON))
    for thread in threads:
        thread.join(SOON)
    assert caught.value.name == "bad"
    assert caught.value.cause.reason == "the image is damaged or incomplete"
    assert not failures


def test_a_file_may_be_as_large_as_a_slot(classifier: ImageClassifier) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "JPEG", quality=95)
    assert buffer.tell() > SIDE * SIDE * 3
    assert (
        len(run(classifier.classify({"x": buffer.getvalue()}, time.monotonic() + SOON))["x"]) == 3
    )
