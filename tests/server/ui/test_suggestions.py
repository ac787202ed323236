"""The example application that suggests known questions, in a browser."""

import threading
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from scoring_client import ScoringClient
from suggest.app import create_app

QUESTION = "How do I remove duplicates from an array?"


@pytest.fixture
def suggest(faq: str) -> Iterator[str]:
    """Its address."""
    with ScoringClient(faq.removesuffix("/ui"), timeout_seconds=60) as client:
        application = make_server("127.0.0.1", 0, create_app(client), threaded=True)
        thread = threading.Thread(target=application.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{application.port}"
        application.shutdown()
        thread.join()
        application.server_close()


def test_known_questions_appear_while_one_types_and_are_chosen_by_keyboard(
    page: Page, suggest: str
) -> None:
    page.goto(suggest)
    field = page.get_by_role("combobox", name="Your question")
    # At once: a busy browser may ask after some letters already, and its list come and go.
    field.fill("remove duplic")
    option = page.get_by_role("option", name=QUESTION)
    expect(option).to_be_visible()
    expect(field).to_have_attribute("aria-expanded", "true")
    assert Axe().run(page).violations_count == 0
    while option.get_attribute("aria-selected") != "true":
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=QUESTION)).to_be_visible()
    expect(page.get_by_role("article")).to_contain_text("Spread a Set")
    expect(field).to_have_attribute("aria-expanded", "false")
    assert Axe().run(page).violations_count == 0


def test_a_suggestion_may_be_clicked(page: Page, suggest: str) -> None:
    page.goto(suggest)
    page.get_by_role("combobox").press_sequentially("remove duplic")
    page.get_by_role("option", name=QUESTION).click()
    expect(page.get_by_role("article")).to_contain_text("Spread a Set")


def test_escape_puts_the_suggestions_away(page: Page, suggest: str) -> None:
    page.goto(suggest)
    page.get_by_role("combobox").fill("remove duplic")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
