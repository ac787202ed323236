"""The page is usable without a mouse, without eyes, in the dark and on a small screen."""

from collections.abc import Callable
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.server.pictures import GREEN, plain
from tests.server.ui.test_photographs import payload
from tests.server.ui.test_questions import QUESTION, ask

Scheme = Literal["light", "dark"]
LOOKS: tuple[tuple[Scheme, int], ...] = (("light", 1280), ("dark", 320))
OTHER = "When does the last bus to the airport leave on Sundays?"


def answered(page: Page) -> None:
    ask(page, QUESTION)
    expect(page.get_by_role("listitem")).to_have_count(5)
    page.get_by_text("The same from a program").click()


def unanswered(page: Page) -> None:
    ask(page, OTHER)
    expect(page.locator(".notice")).to_be_visible()


def failed(page: Page) -> None:
    page.route("**/score", lambda route: route.abort(), times=1)
    ask(page, QUESTION)
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached")


def untouched(page: Page) -> None:
    expect(page.get_by_label("Your question")).to_be_visible()


def recognised(page: Page) -> None:
    files = [payload("a.jpg", plain(GREEN)), payload("a" * 60 + ".jpg", b"no photograph")]
    page.locator("#photos").set_input_files(files)
    expect(page.get_by_role("status")).to_have_text("1 of 2 photographs recognised.")


def is_fine(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) <= 0


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
@pytest.mark.parametrize("state", [untouched, answered, unanswered, failed])
def test_the_page_for_questions(
    page: Page,
    faq: str,
    state: Callable[[Page], None],
    scheme: Scheme,
    width: int,
) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 700})
    page.goto(faq)
    state(page)
    is_fine(page)


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_page_for_photographs(page: Page, images: str, scheme: Scheme, width: int) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 700})
    page.goto(images)
    recognised(page)
    is_fine(page)


def test_the_page_with_a_key(page: Page, keyed_faq: str) -> None:
    page.goto(keyed_faq)
    expect(page.get_by_label("API key")).to_be_visible()
    is_fine(page)
