"""The explorer: what its page holds, and that a browser shows it. The browser's tests need the package playwright and a
Chromium: Debian's, or the one that `playwright install chromium` gets."""

import base64
import hashlib
import io
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from conftest import ROOT, change
from PIL import Image
from playwright.sync_api import sync_playwright

from replicate import explorer
from replicate.base import mnist
from replicate.base.parameters import Parameters
from replicate.base.stage import BadInput
from replicate.gan import model
from replicate.gan.latent import Codes
from replicate.gan.model import Model
from replicate.gan.run import Run
from replicate.measures import morphometry
from replicate.page import screenshot

VALUES, DRAWS = 3, 2
STEP = 1 / 15  # between two of the page's grey levels


class Blob(torch.nn.Module):
    """An image that says what made it: ink goes right with c2 and down with c3, the brighter the higher c1 and z's first."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        noise, category, continuous = inputs.split([62, 10, 2], dim=1)
        place = torch.arange(28.0) - 13.5 - 4 * continuous[:, :, None]
        column, row = torch.exp(-(place**2) / 8).unbind(dim=1)
        ink = 0.4 + category.argmax(dim=1) / 20 + noise[:, 0] / 10
        return (ink[:, None, None] * row[:, :, None] * column[:, None, :])[:, None]


def unpacked(png: str, rows: int) -> np.ndarray:
    """The images (rows, columns, 28, 28) of a sheet, in [0, 1]."""
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("L")) / 255
    return pixels.reshape(rows, 28, -1, 28).swapaxes(1, 2)


def blob(settings, noise: torch.Tensor, c1: int, c2: float, c3: float) -> np.ndarray:
    codes = Codes(noise[None], torch.tensor([c1]), torch.tensor([[c2, c3]]))
    return model.generate(Blob(), codes, settings.latent)[0, 0].numpy()


class Made(NamedTuple):
    params: Parameters
    runs: list[dict[str, Any]]
    reading: dict[str, Any]
    trained: Model
    test: tuple[torch.Tensor, torch.Tensor]
    html: str


@pytest.fixture(scope="module")
def made(small, digits) -> Made:
    """A page of three variants with Blob for G; Q is untrained."""
    params = change(small, explorer={"grid_values": VALUES, "draws": DRAWS})
    runs = [Run(variant, 3, params.settings(variant)) for variant in ("infogan", "gan", "infomax")]
    trained = model.build(runs[0].settings).eval()
    trained.generator = Blob()
    test = digits, torch.arange(40) * 7 % 10
    explored = [explorer.explored(each, Blob(), params.explorer) for each in runs]
    reading = explorer.read(runs[0], trained, test, params.explorer)
    return Made(params, explored, reading, trained, test, explorer.render(explored, reading, params.explorer))


def test_an_image_lies_at_its_code_and_keeps_its_greys(made: Made):
    settings = made.params.settings("infogan")
    noise = explorer.draws(settings.latent, made.params.explorer)
    for c1, draw, row, column in ((0, 0, 0, 0), (9, 1, 0, 2), (4, 0, 2, 1)):
        sheet = unpacked(made.runs[0]["sheets"][c1], DRAWS * VALUES)
        expected = blob(settings, noise[draw], c1, c2=2 * (column - 1), c3=2 * (row - 1))
        np.testing.assert_allclose(sheet[draw * VALUES + row, column], expected, atol=0.51 * STEP)


def test_slant_and_width_are_those_of_the_images(made: Made):
    settings = made.params.settings("infogan")
    codes = explorer.grid(explorer.draws(settings.latent, made.params.explorer), settings.latent, VALUES)
    slant, width = morphometry.slant_and_width(model.generate(Blob(), codes, settings.latent)[:, 0].numpy())
    kept = np.frombuffer(base64.b64decode(made.runs[0]["measures"]), "<i2").reshape(2, -1)
    np.testing.assert_allclose(kept[0] / 10, np.degrees(slant), atol=0.051)
    np.testing.assert_allclose(kept[1] / 100, width, atol=0.0051)


def test_draws_of_z_follow_the_seed_and_are_the_same_for_every_variant(made: Made):
    prior, options = made.params.latent, made.params.explorer
    first = explorer.draws(prior, options)
    assert first.shape == (DRAWS, 62)
    assert (first == explorer.draws(prior, options)).all()
    assert (first != explorer.draws(prior, options.model_copy(update={"seed": 1}))).any()
    assert made.runs[0]["sheets"] == made.runs[1]["sheets"] == made.runs[2]["sheets"]  # Blob is the same for all


def test_digits_are_the_first_of_each():
    labels = torch.tensor([2, 0, 2, 9, 0] + [9] * 20)
    assert explorer.first_of_each(labels) == [1, 4, 0, 2, 3, *range(5, 14)]


def test_q_is_read_and_its_code_drawn(made: Made):
    digits, settings = made.reading["digits"], made.params.settings("infogan")
    assert [each["digit"] for each in digits] == sorted(made.test[1].tolist())
    assert all(made.test[1][each["place"]] == each["digit"] for each in digits)
    assert all(math.isclose(sum(each["posterior"]), 1, abs_tol=10 * 0.00005) for each in digits)
    images = made.test[0][[each["place"] for each in digits]]
    with torch.no_grad():
        posterior = made.trained.head.posterior(made.trained.discriminator.features(mnist.as_input(images)))
    np.testing.assert_allclose([(each["c2"], each["c3"]) for each in digits], posterior.mean, atol=0.00051)
    np.testing.assert_allclose([each["posterior"] for each in digits], posterior.logits.softmax(dim=1), atol=0.000051)
    assert [each["c1"] for each in digits] == posterior.logits.argmax(dim=1).tolist()
    sheet = unpacked(made.reading["sheet"], len(digits))
    np.testing.assert_allclose(sheet[:, 0], images / 255, atol=0.51 * STEP)
    redrawn = unpacked(made.reading["redrawn"], len(digits))
    noise = explorer.draws(settings.latent, made.params.explorer)
    for i, draw in ((0, 0), (7, 1)):
        code = posterior.logits[i].argmax().item(), *posterior.mean[i].tolist()
        np.testing.assert_allclose(redrawn[i, draw], blob(settings, noise[draw], *code), atol=0.52 * STEP)


def test_the_page_is_the_same_every_time_and_fetches_nothing(made: Made):
    options = made.params.explorer
    again = [explorer.explored(Run("infogan", 3, made.params.settings("infogan")), Blob(), options), *made.runs[1:]]
    assert explorer.render(again, made.reading, options) == made.html
    assert made.html.count("://") == 1 and 'href="https://arxiv.org/abs/1606.03657"' in made.html
    assert "infomax-3" in made.html and "seed 0" in made.html


def test_a_page_without_an_infogan_has_no_q_to_ask(made: Made):
    page = explorer.render(made.runs[1:], None, made.params.explorer)
    assert 'id="read"' in made.html and 'id="read"' not in page


def test_the_committed_page_is_small():
    page = ROOT / "explorer" / "index.html"
    if not page.exists():
        pytest.skip("explorer/index.html is not made yet: dvc repro explorer")
    assert page.stat().st_size <= 4_000_000


# --- In a browser ------------------------------------------------------------------------------------------------------

TILE = ".run[data-run='{}'] figure:nth-child({}) canvas"
PIXELS = "canvas => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 == 0)"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
# Texts whose contrast with what is behind them is below 4.5, WCAG's AA.
FAINT = """() => {
  const channels = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const [r, g, b, alpha = 1] = channels(getComputedStyle(element).backgroundColor);
    return alpha ? [r, g, b] : behind(element.parentElement);
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const faint = [];
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !element.checkVisibility()) continue;
    const pair = [channels(getComputedStyle(element).color).slice(0, 3), behind(element)].map(luminance);
    if ((Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05) < 4.5) faint.push(texts.currentNode.data.trim());
  }
  return faint;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_playwright() as playwright:
        try:
            path = screenshot.chromium(playwright)
        except BadInput as error:
            pytest.skip(str(error))
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, made: Made, tmp_path: Path) -> Iterator[Any]:
    """Opens the page, offline, with a fragment; asserts afterwards that it fetched nothing and that no error came."""
    path = tmp_path / "index.html"
    path.write_text(made.html, encoding="utf-8")
    contexts, errors, requests = [], [], []

    def opened(fragment: str = "", **context: Any) -> Any:
        contexts.append(browser.new_context(offline=True, **context))
        page = contexts[-1].new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri() + fragment)
        page.wait_for_selector("body[aria-busy=false]")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []
    assert {url.partition("#")[0] for url in requests if not url.startswith("data:")} == {path.as_uri()}


def shown(page, run: int = 0, draw: int = 0) -> np.ndarray:
    """A tile's pixels (28, 28) in [0, 1]."""
    return np.reshape(page.eval_on_selector(TILE.format(run, draw + 1), PIXELS), (28, 28)) / 255


def state(page) -> dict[str, str]:
    """What the fragment says, once the page has kept it."""
    page.wait_for_timeout(300)
    return dict(part.split("=") for part in page.evaluate("location.hash.slice(1)").split("&"))


def test_a_drag_of_a_slider_moves_the_images_of_every_run(visit):
    page = visit()
    before = [shown(page, run, draw) for run in range(3) for draw in range(DRAWS)]
    box = page.locator("#c3").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"], middle, steps=4)
    page.mouse.up()
    assert float(state(page)["c3"]) == 2
    after = [shown(page, run, draw) for run in range(3) for draw in range(DRAWS)]
    ink = np.arange(28) @ np.sum(after, axis=2).T - np.arange(28) @ np.sum(before, axis=2).T
    assert (ink > 0).all()  # it went down
    assert "extrapolates" in page.text_content("#range")


def test_between_the_grid_s_values_images_and_measures_are_blended(visit, made: Made):
    page = visit("#c1=4&c2=1&c3=-2")
    settings = made.params.settings("infogan")
    noise = explorer.draws(settings.latent, made.params.explorer)[1]
    ends = [blob(settings, noise, 4, c2, -2) for c2 in (0, 2)]
    np.testing.assert_allclose(shown(page, run=2, draw=1), np.mean(ends, axis=0), atol=0.55 * STEP)
    slant, width = morphometry.slant_and_width(np.stack(ends))
    tile = page.locator(".run[data-run='2'] figure").nth(1)
    assert abs(float(tile.locator(".width").text_content()) - width.mean()) < 0.06
    degrees = tile.locator(".slant").text_content().replace("−", "-").removesuffix("°")
    assert abs(float(degrees) - np.degrees(slant).mean()) < 0.6


def test_keys_move_the_codes(visit):
    page = visit()
    page.focus("#c2")
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "Tab", "End"):
        page.keyboard.press(key)
    page.focus("[name=c1]:checked")
    page.keyboard.press("ArrowRight")
    page.focus("[name=digit]:checked")
    page.keyboard.press("ArrowRight")
    assert state(page) == {"runs": "infogan,gan,infomax", "c1": "1", "c2": "0.05", "c3": "2", "digit": "1"}


def test_a_link_restores_the_state(visit):
    page = visit("#runs=gan&c1=9&c2=-1.5&c3=0.5&digit=3")
    assert [page.is_visible(f".run[data-run='{run}']") for run in range(3)] == [False, True, False]
    assert (page.input_value("#c2"), page.input_value("#c3")) == ("-1.5", "0.5")
    assert page.is_checked("[name=c1][value='9']") and page.is_checked("[name=digit][value='3']")
    first = shown(page, run=1)
    page.check("[name=runs][value=infomax]")
    assert state(page) == {"runs": "gan,infomax", "c1": "9", "c2": "-1.5", "c3": "0.5", "digit": "3"}
    page.check("[name=c1][value='2']")
    page.click("#share")  # at once: what is shared is what is shown
    assert "c1=2" in page.evaluate("location.hash")
    # Selectors wait. A function to wait for would be evaluated, which the page's security policy forbids.
    page.wait_for_selector("[role=status]:text-matches('^Cop')", state="attached")
    page.evaluate("location.hash = '#c1=0'")
    page.wait_for_selector("[name=c1][value='0']:checked", state="attached")
    page.wait_for_timeout(100)
    assert (shown(page, run=1) != first).any()


def test_a_broken_link_opens_at_what_is_possible(visit):
    page = visit("#runs=none&c1=99&c2=left&c3=-7&digit=-1")
    assert page.is_visible(".run[data-run='0']")
    assert page.is_checked("[name=c1][value='9']") and page.is_checked("[name=digit][value='0']")
    assert (page.input_value("#c2"), page.input_value("#c3")) == ("0", "-2")


def test_a_finger_moves_the_codes_on_a_phone(visit):
    page = visit(**PHONE)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".run").first.scroll_into_view_if_needed()
    before = shown(page)
    box = page.locator("#c2").bounding_box()
    assert box["y"] + box["height"] <= 740  # in sight with the images
    touch = page.context.new_cdp_session(page)
    y = box["y"] + box["height"] / 2
    for kind, share in (("touchStart", 0.5), ("touchMove", 0.6), ("touchMove", 0.8), ("touchEnd", None)):
        points = [] if share is None else [{"x": box["x"] + share * box["width"], "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    page.locator(".categories label").nth(6).tap()
    page.locator(".digits label").nth(5).tap()
    kept = state(page)
    assert 0.5 < float(kept["c2"]) <= 2 and kept["c1"] == "6" and kept["digit"] == "5"
    assert (shown(page) != before).any()


def test_a_finger_that_scrolls_from_a_slider_leaves_the_code(visit):
    page = visit("#c2=-0.5", **PHONE)
    box = page.locator("#c2").bounding_box()
    touch = page.context.new_cdp_session(page)
    x, y = box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 15):
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y - 20 * step}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert state(page)["c2"] == "-0.5" and page.input_value("#c2") == "-0.5"
    assert page.evaluate("scrollY") > 100


def test_a_phone_s_first_sight_has_an_image_above_the_controls(visit):
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    controls = page.locator(".controls").bounding_box()
    assert page.locator(".run canvas").first.bounding_box()["y"] < controls["y"] < 844 - controls["height"] + 1


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_number_is_so_long_that_it_moves_what_is_below(width, visit):
    page = visit(viewport={"width": width, "height": 844})
    one_of_four = f"{(min(width, 700) - 60) / 4}px"  # as narrow as a tile gets where there are four draws
    page.eval_on_selector_all("figure", f"all => all.forEach((one) => one.style.maxWidth = '{one_of_four}')")
    heights = []
    for slant, across in (("0°", "9.9"), ("−45°", "27.9")):
        for name, text in ((".slant", slant), (".width", across)):
            page.eval_on_selector_all(f"figure {name}", f"all => all.forEach((one) => one.textContent = '{text}')")
        heights.append(page.eval_on_selector_all("figure", "all => all.map((one) => one.offsetHeight)"))
    assert heights[0] == heights[1]
    assert page.eval_on_selector_all("figcaption", "all => all.every((one) => one.scrollWidth <= one.clientWidth)")


def test_a_digit_shows_what_q_reads_and_gives_the_code_to_the_sliders(visit, made: Made):
    page = visit()
    page.locator(".digits label").nth(7).click()
    digit = made.reading["digits"][7]
    best = digit["c1"]
    said = page.text_content(".chosen p").replace("−", "-")
    assert f"Test image {digit['place']}, a {digit['digit']}" in said and f"c1 = {best} " in said
    bars = page.eval_on_selector_all(
        ".bars li", "bars => bars.map(bar => parseFloat(bar.style.getPropertyValue('--share')))"
    )
    np.testing.assert_allclose(bars, 100 * np.array(digit["posterior"]), atol=1e-6)
    redrawn = np.reshape(page.eval_on_selector(".redrawn canvas", PIXELS), (28, 28)) / 255
    np.testing.assert_allclose(redrawn, unpacked(made.reading["redrawn"], 40)[7, 0], atol=0.01)
    page.click("#take")
    kept = state(page)
    assert (kept["c1"], float(kept["c2"]), float(kept["c3"])) == (str(best), digit["c2"], digit["c3"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_are_legible_and_images_have_names(scheme, visit):
    page = visit("#c2=1.5", color_scheme=scheme)
    assert page.evaluate(FAINT) == []
    page.wait_for_timeout(100)
    unnamed = "images => images.filter(image => !image.getAttribute('aria-label')).length"
    assert page.eval_on_selector_all("canvas, [role=img]", unnamed) == 0
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 27)"
    assert dark == (scheme == "dark")


def test_the_committed_picture_is_of_the_committed_page():
    picture = Image.open(ROOT / screenshot.PICTURE)
    assert picture.text == {screenshot.SHOWS: hashlib.sha256((ROOT / screenshot.PAGE).read_bytes()).hexdigest()}
    assert max(picture.size) > 1000 and (ROOT / screenshot.PICTURE).stat().st_size < 200_000


@pytest.mark.usefixtures("browser")  # which skips where there is none
def test_a_picture_can_be_taken(made: Made, tmp_path):
    page = tmp_path / screenshot.PAGE
    page.parent.mkdir()
    page.write_text(made.html, encoding="utf-8")
    command = [sys.executable, "-m", "replicate.page.screenshot"]  # for Playwright runs once a process
    subprocess.run(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    assert np.asarray(Image.open(tmp_path / screenshot.PICTURE).convert("L")).std() > 10
