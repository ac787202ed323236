"""Real servers, and pages of a real browser that may show no error in its console."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from scoring_server.faq.training.run import train
from tests.server.colour_model import write_colour_model
from tests.server.server_process import ServerProcess
from tests.server.ui import browser as chromium

FAQ_DATA = Path(__file__).parents[3] / "scoring_image" / "faq_data"
KEY = "a-key-for-the-tests"
PREFIX = "/shop/faq"
# Pages answer in milliseconds; the machine may be busy with other tests.
_PATIENCE_MILLISECONDS = 60_000

expect.set_options(timeout=_PATIENCE_MILLISECONDS)

Open = Callable[[str], Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if chromium.find() is None:
        pytest.skip("Chromium is missing: apt-get install chromium, or make tools as root")
    with chromium.browser() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page; what it complains about in the end, but for refused requests, is a failure.

    A policy that is violated is a complaint.
    """
    context = browser.new_context(viewport={"width": 900, "height": 760})
    context.set_default_timeout(_PATIENCE_MILLISECONDS)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    yield opened
    context.close()
    assert [text for text in complaints if "Failed to load resource" not in text] == []


@pytest.fixture(scope="package")
def faq_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The FAQ that the image ships, with its answers."""
    folder = tmp_path_factory.mktemp("faq") / "model"
    train(
        FAQ_DATA / "originals.csv",
        FAQ_DATA / "duplicates.csv",
        folder,
        answers_file=FAQ_DATA / "answers.csv",
        name="shipped",
        seed=0,
        none_threshold=0.5,
    )
    return folder


@pytest.fixture(scope="package")
def faq(faq_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the page of a FAQ."""
    variables = {"SCORING_MODEL_TYPE": "faq-matching", "SCORING_MODEL_PATH": str(faq_model)}
    with ServerProcess(tmp_path_factory.mktemp("server"), **variables) as server:
        server.wait_until_ready()
        yield f"http://127.0.0.1:{server.port}/ui"


@pytest.fixture(scope="package")
def keyed_faq(faq_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the page of a FAQ below a prefix, whose service asks for a key."""
    folder = tmp_path_factory.mktemp("keyed")
    (folder / "keys").mkdir()
    (folder / "keys" / "tests").write_text(KEY)
    variables = {
        "SCORING_MODEL_TYPE": "faq-matching",
        "SCORING_MODEL_PATH": str(faq_model),
        "SCORING_API_KEYS_DIR": str(folder / "keys"),
        "SCORING_PATH_PREFIX": PREFIX,
    }
    with ServerProcess(folder, **variables) as server:
        server.wait_until_ready()
        yield f"http://127.0.0.1:{server.port}{PREFIX}/ui"


@pytest.fixture(scope="package")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the page of the colour model."""
    folder = tmp_path_factory.mktemp("images")
    variables = {
        "SCORING_MODEL_TYPE": "image-classification",
        "SCORING_MODEL_PATH": str(write_colour_model(folder / "model")),
    }
    with ServerProcess(folder, **variables) as server:
        server.wait_until_ready()
        yield f"http://127.0.0.1:{server.port}/ui"
