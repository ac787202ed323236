"""What a person sees who asks a question."""

import json
import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.server.ui.conftest import KEY

QUESTION = "how can i get rid of the duplicates in my list"
ANSWER = "How do I remove duplicates from an array?"


def ask(page: Page, question: str) -> None:
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")


def test_a_question_typed_and_entered_shows_ranked_answers(page: Page, faq: str) -> None:
    page.emulate_media(reduced_motion="reduce")  # bars that grow are not compared
    page.goto(faq)
    expect(page.get_by_role("heading", level=1)).to_have_text("Ask a question")
    expect(page.get_by_label("Your question")).to_be_focused()
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    answers = page.get_by_role("listitem")
    expect(answers).to_have_count(5)
    best = answers.first
    expect(best.get_by_role("heading")).to_have_text(ANSWER)
    expect(best).to_contain_text("Spread a Set")
    shares = [
        float(re.sub(r"[^\d.]", "", share)) for share in page.locator(".share").all_inner_texts()
    ]
    assert shares[0] > 50
    assert shares == sorted(shares, reverse=True)
    bars = [bar.bounding_box() for bar in page.locator(".bar i").all()]
    assert bars[0] is not None
    assert all(bar is not None and bar["width"] <= bars[0]["width"] for bar in bars)
    status = page.get_by_role("status")
    expect(status).to_contain_text(f"Best: {ANSWER}")  # what a screen reader says
    expect(status).to_contain_text(re.compile(r"Computed in [\d.]+ ms, answered in \d+ ms"))
    expect(page.get_by_label("Your question")).to_be_focused()  # for the next one


def test_the_other_answers_open_by_keyboard(page: Page, faq: str) -> None:
    page.goto(faq)
    ask(page, QUESTION)
    second = page.get_by_role("listitem").nth(1)
    expect(second.locator("summary")).to_be_visible()
    expect(second.locator(".text")).to_be_hidden()
    page.keyboard.press("Tab")  # the button
    page.keyboard.press("Tab")
    expect(second.locator("summary")).to_be_focused()
    page.keyboard.press("Enter")
    expect(second.locator(".text")).to_be_visible()


def test_a_question_about_something_else_is_said_to_be_none_of_these(page: Page, faq: str) -> None:
    page.goto(faq)
    ask(page, "When does the last bus to the airport leave on Sundays?")
    expect(page.locator(".notice")).to_contain_text("Probably none of these")
    expect(page.get_by_role("status")).to_contain_text("none of the known questions")
    expect(page.get_by_role("listitem")).to_have_count(5)


def test_no_question_is_said_so(page: Page, faq: str) -> None:
    page.goto(faq)
    ask(page, "   ")
    expect(page.get_by_role("status")).to_have_text("Type a question first.")


def test_a_key_is_asked_for_checked_and_forgotten(page: Page, keyed_faq: str) -> None:
    page.goto(keyed_faq)
    key = page.get_by_label("API key")
    expect(key).to_be_focused()
    key.fill("not-a-key-of-this-service")
    ask(page, QUESTION)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("An API key is needed")
    expect(alert).to_contain_text(re.compile(r"Request [0-9a-f]{32}"))
    expect(key).to_be_focused()
    page.keyboard.type(KEY)  # in place of the other, which is selected
    page.keyboard.press("Enter")  # asks again
    expect(page.get_by_role("listitem").first.get_by_role("heading")).to_have_text(ANSWER)
    expect(alert).to_be_empty()
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [
        0,
        0,
        "",
    ]
    assert KEY not in page.content()
    page.reload()
    expect(key).to_have_value("")


@pytest.mark.parametrize("text", ["", "schlüssel-für-alle-fälle", "two words of a key"])
def test_what_cannot_be_a_key_is_asked_for_again(page: Page, keyed_faq: str, text: str) -> None:
    page.goto(keyed_faq)
    page.get_by_label("API key").fill(text)
    ask(page, QUESTION)
    expect(page.get_by_role("alert")).to_contain_text("An API key is needed")
    page.get_by_label("API key").fill(f" {KEY} ")  # as it comes with a copied line
    page.keyboard.press("Enter")
    expect(page.get_by_role("listitem")).to_have_count(5)


def test_the_command_beside_it_asks_the_same(page: Page, keyed_faq: str) -> None:
    page.goto(keyed_faq)
    page.get_by_label("API key").fill(KEY)
    ask(page, "what's $HOME?")
    page.get_by_text("The same from a program").click()
    command = page.get_by_label("Command").inner_text()
    assert f"'{keyed_faq.removesuffix('ui')}score'" in command
    assert '-H "X-API-Key: $API_KEY"' in command
    assert '"input":"what\'\\\'\'s $HOME?"' in command
    assert KEY not in command


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_says_when_to_try_again_and_offers_it(
    page: Page, faq: str, status: int
) -> None:
    error = json.dumps({"error": {"code": "overloaded", "message": "too many requests at once"}})

    def busy(route: Route) -> None:
        headers = {"Retry-After": "3", "Content-Type": "application/json"}
        route.fulfill(status=status, headers=headers, body=error)

    page.route("**/score", busy, times=1)
    page.goto(faq)
    ask(page, QUESTION)
    expect(page.get_by_role("alert")).to_contain_text("Try again in 3 seconds")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("listitem")).to_have_count(5)
    expect(page.get_by_role("alert")).to_be_empty()


def test_a_service_that_is_away_is_said_in_words(page: Page, faq: str) -> None:
    page.route("**/score", lambda route: route.abort(), times=1)
    page.goto(faq)
    ask(page, QUESTION)
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached")


def test_a_proxys_own_error_page_is_an_error_in_words(page: Page, faq: str) -> None:
    page.route("**/score", lambda route: route.fulfill(status=502, body="<html>"), times=1)
    page.goto(faq)
    ask(page, QUESTION)
    expect(page.get_by_role("alert")).to_contain_text("does not answer its proxy")


def test_a_page_opened_while_the_model_loads_goes_on_by_itself(page: Page, faq: str) -> None:
    loading = json.dumps({"version": "1", "model": None, "backend": None})
    page.route("**/version", lambda route: route.fulfill(body=loading))
    page.goto(faq)
    expect(page.get_by_role("status")).to_have_text("The model is loading …")
    page.unroute("**/version")
    expect(page.get_by_label("Your question")).to_be_visible()


def test_what_stands_in_the_data_is_text(page: Page, faq: str) -> None:
    hostile = "<img src=x onerror=document.title='run'><script>document.title='run'</script>"
    matches = [
        {"question": hostile, "answer": hostile, "url": "javascript:document.title='run'"},
        {"question": "q", "answer": None, "url": "https://example.com/?a=1&b=<i>"},
    ]
    details = {"none": False, "noneProbability": 0.1, "matches": matches}
    result = {"result": [[[1, 2, 0.7], ["<b>", "<i>", 0.3]], "Computed in 1 ms", details]}
    page.route("**/score", lambda route: route.fulfill(body=json.dumps(result)))
    page.goto(faq)
    ask(page, QUESTION)
    expect(page.get_by_role("listitem").first.get_by_role("heading")).to_have_text(hostile)
    page.get_by_role("listitem").nth(1).locator("summary").click()
    links = page.get_by_role("link")
    expect(links).to_have_count(1)
    expect(links).to_have_attribute("href", "https://example.com/?a=1&b=<i>")
    expect(links).to_have_attribute("rel", "noopener noreferrer")
    assert page.locator("img, script:not([src])").count() == 0
    assert page.title() != "run"
