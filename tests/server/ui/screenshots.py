"""Takes the pictures of the pages that documents show: `python -m tests.server.ui.screenshots`.

Of real servers: the FAQ that the image ships, and the image model at $SCORING_MODEL_PATH; without
one the pictures of photographs stay as they are.
"""

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from scoring_client import ScoringClient
from scoring_server.faq.training.run import train
from suggest.app import create_app
from tests.demo.photograph import photograph
from tests.server.server_process import ServerProcess
from tests.server.ui.browser import browser

REPOSITORY: Final = Path(__file__).parents[3]
PICTURES: Final = REPOSITORY / "docs" / "pictures"
FAQ_DATA: Final = REPOSITORY / "scoring_image" / "faq_data"
_QUESTION: Final = "how can i get rid of the duplicates in my list"


def main() -> int:
    """Take them all."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, browser() as chromium:
        folder = Path(scratch)
        with _served(folder, _faq_variables(folder)) as server:
            _questions(chromium, server)
            _suggestions(chromium, server)
        if model := os.environ.get("SCORING_MODEL_PATH"):
            variables = {
                "SCORING_MODEL_TYPE": "image-classification",
                "SCORING_MODEL_PATH": model,
            }
            with _served(folder, variables) as server:
                _photographs(chromium, server)
    return 0


def _faq_variables(folder: Path) -> dict[str, str]:
    train(
        FAQ_DATA / "originals.csv",
        FAQ_DATA / "duplicates.csv",
        folder / "faq",
        answers_file=FAQ_DATA / "answers.csv",
        name="javascript-faq",
        seed=0,
        none_threshold=0.5,
    )
    return {"SCORING_MODEL_TYPE": "faq-matching", "SCORING_MODEL_PATH": str(folder / "faq")}


@contextmanager
def _served(folder: Path, variables: dict[str, str]) -> Iterator[ServerProcess]:
    with ServerProcess(folder, **variables) as server:
        server.wait_until_ready()
        yield server


def _page(chromium: Browser, address: str, width: int = 860) -> Page:
    page = chromium.new_page(viewport={"width": width, "height": 200})
    page.emulate_media(reduced_motion="reduce")
    page.goto(address)
    return page


def _questions(chromium: Browser, server: ServerProcess) -> None:
    page = _page(chromium, f"http://127.0.0.1:{server.port}/ui")
    page.get_by_label("Your question").fill(_QUESTION)
    page.keyboard.press("Enter")
    page.get_by_role("listitem").last.wait_for()
    page.screenshot(path=PICTURES / "ui-question.png", full_page=True)
    page.close()


def _photographs(chromium: Browser, server: ServerProcess) -> None:
    page = _page(chromium, f"http://127.0.0.1:{server.port}/ui")
    page.emulate_media(color_scheme="dark")
    for _ in range(2):  # the first one finds nothing warm
        page.locator("#photos").set_input_files(photograph())
        page.get_by_role("listitem").last.wait_for()
    page.screenshot(path=PICTURES / "ui-photograph.png", full_page=True)
    page.close()


def _suggestions(chromium: Browser, server: ServerProcess) -> None:
    with ScoringClient(f"http://127.0.0.1:{server.port}") as client:
        application = make_server("127.0.0.1", 0, create_app(client), threaded=True)
        threading.Thread(target=application.serve_forever, daemon=True).start()
        page = _page(chromium, f"http://127.0.0.1:{application.port}", width=700)
        page.set_viewport_size({"width": 700, "height": 480})
        page.get_by_label("Your question").press_sequentially("sort an array")
        page.get_by_role("option").first.wait_for()
        page.keyboard.press("ArrowDown")
        page.screenshot(path=REPOSITORY / "examples" / "client" / "suggest.png")
        page.close()
        application.shutdown()


if __name__ == "__main__":
    sys.exit(main())
