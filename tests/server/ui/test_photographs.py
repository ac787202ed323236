"""What a person sees who shows it photographs."""

import base64
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.server.pictures import BLUE, GREEN, RED, plain


def payload(name: str, content: bytes, media_type: str = "image/jpeg") -> FilePayload:
    return {"name": name, "mimeType": media_type, "buffer": content}


def test_a_chosen_photograph_is_shown_with_its_labels(
    page: Page, images: str, tmp_path: Path
) -> None:
    (tmp_path / "sky.png").write_bytes(plain(BLUE, image_format="PNG"))
    page.goto(images)
    field = page.get_by_label("Choose photographs")
    expect(field).to_be_focused()  # by keyboard: Enter opens the system's dialogue
    with page.expect_file_chooser() as chooser:
        field.click()
    chooser.value.set_files(tmp_path / "sky.png")
    shown = page.get_by_role("region", name="sky.png")
    expect(shown.get_by_role("heading", level=3).first).to_have_text("blue")
    expect(shown.get_by_role("listitem")).to_have_count(3)
    expect(shown.get_by_role("listitem").first).to_contain_text("n00000003")
    expect(page.get_by_role("status")).to_contain_text("Best: blue")
    assert shown.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)")


def test_several_photographs_are_answered_each_and_a_bad_one_harms_no_other(
    page: Page, images: str
) -> None:
    page.goto(images)
    page.locator("#photos").set_input_files(
        [
            payload("grass.jpg", plain(GREEN)),
            payload("broken.jpg", b"\xff\xd8 this is no photograph"),
            payload("letter.pdf", b"%PDF-1.4", "application/pdf"),
            payload("fire.webp", plain(RED, image_format="WEBP"), "image/webp"),
        ]
    )
    for name, label in (("grass.jpg", "green"), ("fire.webp", "red")):
        region = page.get_by_role("region", name=name)
        expect(region.get_by_role("heading", level=3).first).to_have_text(label)
    expect(page.get_by_role("region", name="broken.jpg")).to_contain_text("cannot be read")
    expect(page.get_by_role("region", name="letter.pdf")).to_contain_text("not a JPEG, PNG or WebP")
    expect(page.get_by_role("status")).to_have_text("2 of 4 photographs recognised.")


def test_a_photograph_that_is_too_large_is_not_sent(page: Page, images: str) -> None:
    page.goto(images)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    large = plain() + bytes(11 * 1024 * 1024)
    page.locator("#photos").set_input_files([payload("large.jpg", large)])
    region = page.get_by_role("region", name="large.jpg")
    expect(region).to_contain_text("has 11.5 MB; this service takes 10.5 MB at most")
    assert not [url for url in sent if url.endswith("/score")]


@pytest.mark.parametrize("target", ["#drop", "body"])
def test_a_photograph_may_be_dropped_anywhere(page: Page, images: str, target: str) -> None:
    page.goto(images)
    expect(page.locator("#drop")).to_be_visible()
    dropped = page.evaluate_handle(
        """encoded => {
          const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
          const data = new DataTransfer();
          data.items.add(new File([bytes], "dropped.jpg", { type: "image/jpeg" }));
          return data;
        }""",
        base64.b64encode(plain(GREEN)).decode(),
    )
    page.dispatch_event(target, "dragover", {"dataTransfer": dropped})
    page.dispatch_event(target, "drop", {"dataTransfer": dropped})
    expect(page.get_by_role("heading", level=3).first).to_have_text("green")


def test_a_photograph_may_be_pasted(page: Page, images: str) -> None:
    page.goto(images)
    expect(page.locator("#drop")).to_be_visible()
    page.evaluate(
        """encoded => {
          const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
          const clipboardData = new DataTransfer();
          clipboardData.items.add(new File([bytes], "pasted.png", { type: "image/png" }));
          document.dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
        }""",
        base64.b64encode(plain(RED, image_format="PNG")).decode(),
    )
    expect(page.get_by_role("region", name="pasted.png")).to_contain_text("red")


def test_new_photographs_take_the_place_of_the_old(page: Page, images: str) -> None:
    page.goto(images)
    for name, colour, label in (("one.jpg", RED, "red"), ("two.jpg", BLUE, "blue")):
        page.locator("#photos").set_input_files([payload(name, plain(colour))])
        expect(page.get_by_role("region", name=name)).to_contain_text(label)
    expect(page.get_by_role("region")).to_have_count(1)
