"""The explorer: what its page holds, and that a browser shows it. The browser's tests need the package playwright and a
Chromium: Debian's, or the one that `playwright install chromium` gets."""

import base64
import hashlib
import io
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from conftest import ROOT, change
from PIL import Image
from playwright.sync_api import sync_playwright
from torch import Tensor

from replicate import explorer
from replicate.base import mnist
from replicate.base.stage import BadInput
from replicate.gan import latent, model
from replicate.gan.latent import Codes
from replicate.gan.model import Model
from replicate.gan.run import Run
from replicate.gan.settings import Settings
from replicate.measures import classification, morphometry, reading
from replicate.page import compact, content, screenshot
from replicate.parameters import Parameters

VALUES, DRAWS, MILESTONE, END = 3, 2, 2, 4
VARIANTS = ("infogan", "gan", "infomax")
LABELS = torch.arange(40) * 7 % 10


def untrained(settings: Settings) -> Model:
    """A model with random weights, whose images have contrast."""
    made = model.build(settings)
    images = torch.randint(256, (64, 28, 28), dtype=torch.uint8)
    model.settle_batchnorm(made, images, settings.latent, 32, torch.Generator().manual_seed(0))
    with torch.no_grad():
        made.generator.upconvolutional[3].weight.mul_(20)
    return made.eval()


def explored(names, params: Parameters, models: dict, test, digits: Tensor) -> list[dict[str, Any]]:
    """What the page holds of trainings of these variants, whose models are by variant and iteration."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "load", lambda this, iteration=END: models[this.variant, iteration])
        patch.setattr(mnist, "training_images", lambda *_: (digits, LABELS))
        return [content.explored(Run(name, 3, params.settings(name)), params, test) for name in names]


class Made(NamedTuple):
    params: Parameters
    models: dict[tuple[str, int], Model]  # by variant and iteration
    runs: list[dict[str, Any]]
    test: tuple[Tensor, Tensor]
    html: str

    def matched(self, run: int) -> np.ndarray:
        """The digits of a run's categories."""
        found = reading.categories(self.models[VARIANTS[run], END], self.test[0].flip(2))
        return classification.match_one_to_one(classification.contingency(found, LABELS.numpy(), 10))

    def full(self, run: int, at: int, *codes) -> Tensor:
        """What a run's full G draws, (N, 28, 28), of `tensors` of codes whose categories are digits."""
        draw, c1, continuous = tensors(*codes)
        noise = content.draws(self.params.latent, self.params.explorer)[draw]
        category = torch.from_numpy(np.argsort(self.matched(run)))[c1]
        generator = self.models[VARIANTS[run], at].generator
        return model.generate(generator, Codes(noise, category, continuous), self.params.latent)[:, 0]

    def small(self, run: int, snapshot: int, *codes) -> Tensor:
        """What the page's G draws of them."""
        return compact.images(unpacked(self.runs[run]["snapshots"][snapshot]), *tensors(*codes))[:, 0]


def tensors(draw, c1, c2, c3) -> tuple[Tensor, Tensor, Tensor]:
    """Draws of z (N,), categories (N,), and c2 and c3 (N, 2); one number is the same for all."""
    draw, c1, c2, c3 = (torch.tensor(part) for part in np.broadcast_arrays(draw, c1, c2, c3))
    return draw, c1, torch.stack([c2, c3], dim=1).float()


@pytest.fixture(scope="module")
def made(small, digits) -> Made:
    """A page of three variants, untrained, at two moments."""
    options = {"grid_values": VALUES, "draws": DRAWS, "rank": 40, "milestones": [MILESTONE]}
    params = change(small, explorer=options)
    torch.manual_seed(0)
    models = {(name, at): untrained(params.settings(name)) for name in VARIANTS for at in (MILESTONE, END)}
    test = digits.flip(2), LABELS.flip(0)
    runs = explored(VARIANTS, params, models, test, digits)
    return Made(params, models, runs, test, explorer.render(runs, test, params.explorer))


def inflated(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))


def unpacked(snapshot: dict[str, Any]) -> dict[str, compact.Table]:
    """The tables of a snapshot's generator."""
    packed, sizes = inflated(snapshot["generator"]), [size for _, *size in snapshot["shapes"]]
    rows = [height for height, _ in sizes]
    steps = torch.tensor(np.frombuffer(packed, "<f4", sum(rows))).split(rows)
    numbers = torch.tensor(np.frombuffer(packed, np.int8, offset=4 * sum(rows))).split([h * w for h, w in sizes])
    return {
        name: compact.Table(whole.view(size), step[:, None])
        for (name, *size), whole, step in zip(snapshot["shapes"], numbers, steps)
    }


def codes_read(snapshot: dict[str, Any]) -> np.ndarray:
    """What is read of each image of the grid: (3 codes, categories, draws, values of c3, values of c2)."""
    return np.frombuffer(inflated(snapshot["read"]), "<i2").reshape(3, 10, DRAWS, VALUES, VALUES)


@pytest.mark.parametrize("order", ["batchnorm_first", "as_printed"])
def test_a_compact_g_draws_what_g_draws(order, params):
    settings = change(params.settings("infogan"), networks={"layer_order": order})
    torch.manual_seed(1)
    generator = untrained(settings).generator
    for norm in (each for each in generator.modules() if isinstance(each, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d)):
        torch.nn.init.normal_(norm.weight)  # negative ones too
        torch.nn.init.normal_(norm.bias)
    torch.nn.init.normal_(generator.upconvolutional[3].weight, std=0.05)  # few pixels all black or white
    noise = latent.sample(2, settings.latent, torch.Generator().manual_seed(0)).noise
    sampled = latent.sample(30, settings.latent, torch.Generator().manual_seed(1))
    draw = torch.arange(30) % 2
    codes = sampled._replace(noise=noise[draw])
    tables = compact.of(generator, noise, codes, settings.latent, rank=30)
    ours = compact.images(tables, draw, codes.category, codes.continuous)
    full = model.generate(generator, codes, settings.latent)
    assert full.std() > 0.1
    assert (ours - full).std() < 0.1 * full.std()


def test_a_snapshot_tells_what_is_read_in_its_images_and_how_far_the_page_s_g_is_off(made: Made):
    c1, draw, row, column = np.indices((10, DRAWS, VALUES, VALUES)).reshape(4, -1)
    for i, (at, snapshot) in enumerate(zip((MILESTONE, END), made.runs[0]["snapshots"], strict=True)):
        codes = draw, c1, 2 * (column - 1), 2 * (row - 1)
        images = made.full(0, at, *codes)
        posterior, continuous = content.read(made.models["infogan", at], images[:, None])
        found = codes_read(snapshot).reshape(3, -1)
        assert snapshot["iteration"] == at
        assert (found[0] == made.matched(0)[posterior.argmax(dim=1)]).all()
        np.testing.assert_allclose(found[1:].T / 100, continuous, atol=0.0051)
        difference = (made.small(0, i, *codes) - images).square().mean().sqrt()
        assert 0.5 < snapshot["difference"] / difference < 2


def test_categories_are_in_the_order_of_their_digits(made: Made):
    for i, run in enumerate(made.runs):
        matched, head = made.matched(i), made.models[VARIANTS[i], END]
        assert run["digits"] == list(range(10))
        posterior, continuous = content.read(head, mnist.as_input(made.test[0][content.first_of_each(made.test[1])]))
        np.testing.assert_allclose(np.array(run["posteriors"])[:, matched], posterior, atol=0.00051)
        np.testing.assert_allclose(run["continuous"], continuous, atol=0.0051)
        said = matched[reading.categories(head, made.test[0])]
        assert run["error"] == np.mean(said != made.test[1].numpy())


def test_c2_and_c3_do_what_is_said_to_slant_and_width(made: Made):
    images = made.full(1, END, [0, 1, 0, 1], 7, 0, [-1, -1, 1, 1])
    slant, width = morphometry.slant_and_width(images.numpy())
    before, after = np.reshape([np.degrees(slant), width], (2, 2, DRAWS)).mean(axis=2).T
    np.testing.assert_allclose(made.runs[1]["snapshots"][-1]["effects"][7][1], after - before, atol=1e-3)


def test_the_page_opens_where_the_first_infogan_leans_furthest(made: Made):
    slants = np.array(made.runs[0]["snapshots"][-1]["effects"])[:, :, 0]
    opening = explorer.opening(made.runs)
    assert abs(opening["slant"]) == abs(slants).max()
    assert opening["slant"] == slants[opening["c1"], ("c2", "c3").index(opening["code"])]


def test_digits_are_the_first_of_each():
    labels = torch.tensor([2, 0, 2, 9, 0] + [9] * 20)
    assert content.first_of_each(labels) == [1, 4, 0, 2, 3, *range(5, 14)]


def test_other_numbers_of_categories_keep_their_order(small, digits):
    options = {"grid_values": 2, "draws": 1, "rank": 5, "milestones": []}
    params, test = change(small, latent={"categories": 12}, explorer=options), (digits, LABELS)
    models = {("infogan", END): untrained(params.settings("infogan"))}
    (run,) = explored(["infogan"], params, models, test, digits)
    assert len(run["digits"]) == len(run["posteriors"][0]) == 12
    assert set(run["digits"]) <= {*range(10), classification.UNMATCHED}
    assert explorer.render([run], test, params.explorer).count('name="c1"') == 12


def test_a_sheet_keeps_images_and_their_greys(digits):
    png = Image.open(io.BytesIO(base64.b64decode(compact.sheet(digits.numpy().reshape(8, 5, 28, 28) / 255))))
    images = np.asarray(png.convert("L")).reshape(8, 28, 5, 28).swapaxes(1, 2)
    np.testing.assert_allclose(images.reshape(40, 28, 28) / 255, digits / 255, atol=0.51 / 15)


def test_a_page_without_infogan_fetches_nothing_either(made: Made):
    page = explorer.render(made.runs[1:], made.test, made.params.explorer)
    assert "infomax-3" in page and "infogan-3" not in page
    assert page.count("://") == made.html.count("://") == 1 and 'href="https://arxiv.org/abs/1606.03657"' in page


# --- In a browser ------------------------------------------------------------------------------------------------------

GREYS = "canvas => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 == 0)"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
# Texts whose contrast with what is behind them is below 4.5, WCAG's AA.
FAINT = """() => {
  const channels = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const linear = (c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (element) => {
    const [r, g, b, alpha = 1] = channels(getComputedStyle(element).backgroundColor);
    return alpha ? [r, g, b] : behind(element.parentElement);
  };
  const isFaint = (element) => {
    const pair = [channels(getComputedStyle(element).color), behind(element)].map(luminance);
    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05) < 4.5;
  };
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const visible = [...document.querySelectorAll("body *")].filter((element) => element.checkVisibility());
  return visible.filter((element) => hasText(element) && isFaint(element)).map((element) => element.textContent);
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
    pages, errors, requests = [], [], []

    def opened(fragment: str = "", **context: Any) -> Any:
        pages.append(page := browser.new_page(offline=True, **context))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri() + fragment)
        if context.get("java_script_enabled", True):
            page.wait_for_selector("body[aria-busy=false]")
        return page

    yield opened
    for page in pages:
        page.close()
    assert errors == []
    assert {url.partition("#")[0] for url in requests if not url.startswith("data:")} == {path.as_uri()}


def shown(page, run: int = 0) -> np.ndarray:
    """The pixels of a run's tiles (DRAWS, 28, 28) in [0, 1], once all are drawn."""
    page.wait_for_timeout(400)
    tiles = page.locator(f".run[data-run='{run}'] canvas").all()
    return np.reshape([tile.evaluate(GREYS) for tile in tiles], (DRAWS, 28, 28)) / 255


def state(page) -> dict[str, str]:
    """What the fragment says, once the page has kept it."""
    page.wait_for_timeout(300)
    return dict(part.split("=") for part in page.evaluate("location.hash.slice(1)").split("&"))


def touch(page, *points: tuple[float, float]) -> None:
    """A finger goes through these points of the window, and lifts."""
    session = page.context.new_cdp_session(page)
    kinds = ["touchStart", *["touchMove"] * (len(points) - 1), "touchEnd"]
    for kind, place in zip(kinds, [*([{"x": x, "y": y}] for x, y in points), []]):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": place})


def test_the_page_draws_what_g_draws(visit, made: Made):
    for run, at, c1, c2, c3 in ((0, 1, 4, 1.5, -2), (1, 0, 0, -0.25, 0.5), (2, 0, 9, 0, 2)):
        page = visit(f"#at={at}&c1={c1}&c2={c2}&c3={c3}")
        np.testing.assert_allclose(shown(page, run), made.small(run, at, range(DRAWS), c1, c2, c3), atol=0.003)


def test_a_tile_says_what_is_read_in_its_image_interpolated_between_the_values_of_the_grid(visit, made: Made):
    page = visit("#c1=4&c2=0.5&c3=2&at=0")  # a quarter of the way from the middle value of c2 to the last
    for run, draw in product(range(3), range(DRAWS)):
        near, far = codes_read(made.runs[run]["snapshots"][0])[:, 4, draw, 2, 1:].T
        said = page.locator(f".run[data-run='{run}'] figure:nth-child({draw + 1}) b").all_text_contents()
        assert said[0] == f"{near[0]} {'✓' if near[0] == 4 else '✗'}"
        numbers = [float(word.replace("−", "-")) for word in said[1:]]
        np.testing.assert_allclose(numbers, (0.75 * near + 0.25 * far)[1:] / 100, atol=0.051)


def test_a_code_plays_back_and_forth_until_it_is_moved(visit):
    page = visit("#c2=0.3&c3=0.5")
    page.click(".play[value=c2]")
    seen = []
    for _ in range(8):
        page.wait_for_timeout(350)
        seen.append(float(page.input_value("#c2")))
    assert min(np.diff(seen)) < 0 < max(np.diff(seen)) and max(map(abs, seen)) <= 1
    assert page.get_attribute(".play[value=c2]", "aria-pressed") == "true"
    page.focus("#c2")
    page.keyboard.press("End")
    assert page.get_attribute(".play[value=c2]", "aria-pressed") == "false"
    assert (state(page)["c2"], state(page)["c3"]) == ("2", "0.5")


def test_keys_move_the_codes_the_training_and_z(visit, made: Made):
    page = visit("#c1=0")
    for focus, *keys in (
        ("#at", "ArrowLeft"),
        ("#other", "Enter"),
        ("#c2", "ArrowRight", "ArrowRight", "ArrowLeft", "Tab", "Tab", "End"),
        *((f"[name={name}]:checked", "ArrowRight") for name in ("c1", "reader", "digit")),
    ):
        page.focus(focus)
        for key in keys:
            page.keyboard.press(key)
    kept = {"runs": "infogan,gan,infomax", "at": "0", "z": "0", "c1": "1", "c2": "0.05", "c3": "2"}
    assert state(page) == kept | {"reader": "gan", "digit": "1"}
    assert page.text_content("output[for=at]") == f"after {MILESTONE} iterations"
    warned = page.eval_on_selector_all("output.warning", "all => all.map((one) => one.htmlFor.value)")
    assert warned == ["c3"]  # which is beyond the trained range


def test_a_link_restores_the_state(visit, made: Made):
    page = visit("#runs=gan&at=0&z=1&c1=9&c2=-1.5&c3=0.5&reader=infomax&digit=3")
    assert [page.is_visible(f".run[data-run='{run}']") for run in range(3)] == [False, True, False]
    assert (page.input_value("#c2"), page.input_value("#c3"), page.input_value("#at")) == ("-1.5", "0.5", "0")
    chosen = {"c1": "9", "digit": "3", "reader": "infomax"}
    assert all(page.is_checked(f"[name={name}][value='{value}']") for name, value in chosen.items())
    first = shown(page, run=1)
    expected = made.small(1, 0, [1, 0], 9, -1.5, 0.5)  # the second draw of z first
    np.testing.assert_allclose(first, expected, atol=0.003)
    page.check("[name=runs][value=infomax]")
    assert state(page)["runs"] == "gan,infomax"
    page.evaluate("location.hash = '#c1=0'")
    # Selectors wait. A function to wait for would be evaluated, which the page's security policy forbids.
    page.wait_for_selector("[name=c1][value='0']:checked", state="attached")
    assert (shown(page, run=1) != first).any()


def test_a_broken_link_opens_at_what_is_possible(visit):
    page = visit("#runs=none&c1=99&c2=left&c3=-7&digit=-1&at=7&z=x&reader=none")
    assert page.is_visible(".run[data-run='0']")
    assert page.is_checked("[name=c1][value='9']") and page.is_checked("[name=digit][value='0']")
    assert (page.input_value("#c2"), page.input_value("#c3"), page.input_value("#at")) == ("0", "-2", "1")
    assert page.is_checked("[name=reader][value=infogan]")


def test_a_finger_moves_the_codes_on_a_phone(visit):
    page = visit(**PHONE)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".run").first.scroll_into_view_if_needed()
    before = shown(page)
    box = page.locator("#c2").bounding_box()
    assert box["y"] + box["height"] <= 740  # in sight with the images
    touch(page, *((box["x"] + share * box["width"], box["y"] + box["height"] / 2) for share in (0.5, 0.6, 0.8)))
    page.locator(".categories label").nth(6).tap()
    page.locator(".digits label").nth(5).tap()
    kept = state(page)
    assert 0.5 < float(kept["c2"]) <= 2 and kept["c1"] == "6" and kept["digit"] == "5"
    assert (shown(page) != before).any()


def test_a_finger_that_scrolls_from_a_slider_leaves_the_code(visit):
    page = visit("#c2=-0.5", **PHONE)
    box = page.locator("#c2").bounding_box()
    x, y = box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2
    touch(page, *((x, y - 20 * step) for step in range(15)))
    assert state(page)["c2"] == "-0.5" and page.input_value("#c2") == "-0.5"
    assert page.evaluate("scrollY") > 100


@pytest.mark.parametrize("size", [(1280, 900), (360, 740), (640, 450), (320, 256)])  # the last two: zoomed
def test_an_image_and_the_codes_are_in_the_first_sight(size, visit):
    page = visit(viewport=dict(zip(("width", "height"), size)))
    image, slider = page.locator(".run canvas").first.bounding_box(), page.locator("#c3").bounding_box()
    assert slider["y"] + slider["height"] <= size[1] + 1
    assert image["y"] + 50 <= (size[1] if size[0] > 700 else page.locator(".controls").bounding_box()["y"])


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_no_number_is_so_long_that_it_moves_what_is_below(width, visit):
    page = visit(viewport={"width": width, "height": 844})
    one_of_four = f"{(min(width, 700) - 60) / 4}px"  # as narrow as a tile gets where there are four draws
    page.eval_on_selector_all("figure", f"all => all.forEach((one) => one.style.maxWidth = '{one_of_four}')")
    heights = []
    for c1, others in (("1 ✓", "0.0"), ("9 ✗", "−2.8")):
        page.eval_on_selector_all("figure b:first-child", f"all => all.forEach((one) => one.textContent = '{others}')")
        page.eval_on_selector_all("span:first-child > b", f"all => all.forEach((one) => one.textContent = '{c1}')")
        heights.append(page.eval_on_selector_all("figure", "all => all.map((one) => one.offsetHeight)"))
    assert heights[0] == heights[1]
    assert page.eval_on_selector_all("figcaption", "all => all.every((one) => one.scrollWidth <= one.clientWidth)")


def test_wrong_test_digits_are_marked_and_counted(visit, made: Made):
    for run, variant in enumerate(VARIANTS):
        page = visit(f"#reader={variant}")
        said = np.argmax(made.runs[run]["posteriors"], axis=1)
        wrong = [int(c1) != digit for c1, digit in zip(said, sorted(made.test[1].tolist()))]
        marked = page.eval_on_selector_all(".digits label", "all => all.map((one) => one.classList.contains('wrong'))")
        assert marked == wrong and f"{sum(wrong)} of these 40 are wrong" in page.text_content("#errors")
        labels = page.eval_on_selector_all("[name=digit]", "all => all.map((one) => one.ariaLabel)")
        assert [label.endswith("read wrong") for label in labels] == wrong


def test_a_digit_shows_what_is_read_and_gives_the_code_to_the_sliders(visit, made: Made):
    page = visit("#runs=gan&reader=infomax&at=0")
    page.locator(".digits label").nth(7).click()
    posterior, (c2, c3) = made.runs[2]["posteriors"][7], made.runs[2]["continuous"][7]
    best = int(np.argmax(posterior))
    said = page.text_content(".chosen p")
    assert f"Test image {content.first_of_each(made.test[1])[7]}, a {sorted(made.test[1].tolist())[7]}" in said
    assert f"c1 = {best} " in said and f"the digit {best}" in said
    page.wait_for_timeout(400)
    share = "bars => bars.map(bar => parseFloat(bar.style.getPropertyValue('--share')))"
    bars = page.eval_on_selector_all(".bars li", share)
    np.testing.assert_allclose(bars, 100 * np.array(posterior), atol=1e-6)
    redrawn = np.reshape(page.eval_on_selector(".redrawn canvas", GREYS), (28, 28)) / 255
    np.testing.assert_allclose(redrawn, made.small(2, 1, [0], best, c2, c3)[0], atol=0.003)
    page.click("#take")
    kept = state(page)
    assert (kept["c1"], float(kept["c2"]), float(kept["c3"])) == (str(best), *np.clip([c2, c3], -2, 2))
    assert (kept["runs"], kept["at"]) == ("gan,infomax", "1")


def test_without_javascript_there_are_images(visit):
    page = visit(java_script_enabled=False)
    assert page.locator(".still img").count() == 3 and not page.is_visible("form")
    assert page.locator(".still img").first.bounding_box()["height"] > 20


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_are_legible_and_images_have_names(scheme, visit):
    page = visit("#c2=1.5", color_scheme=scheme)
    assert page.evaluate(FAINT) == []
    page.wait_for_timeout(500)
    unnamed = "images => images.filter(image => !image.getAttribute('aria-label')).length"
    assert page.eval_on_selector_all("canvas, [role=img]", unnamed) == 0
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 27)"
    assert dark == (scheme == "dark")


def test_the_committed_page_is_small_and_its_picture_current():
    page, picture = ROOT / screenshot.PAGE, Image.open(ROOT / screenshot.PICTURE)
    assert page.stat().st_size <= 6_000_000 and (ROOT / screenshot.PICTURE).stat().st_size < 200_000
    assert picture.text == {screenshot.SHOWS: hashlib.sha256(page.read_bytes()).hexdigest()}


@pytest.mark.usefixtures("browser")  # which skips where there is none
def test_a_picture_can_be_taken(made: Made, tmp_path):
    page = tmp_path / screenshot.PAGE
    page.parent.mkdir()
    page.write_text(made.html, encoding="utf-8")
    command = [sys.executable, "-m", "replicate.page.screenshot"]  # for Playwright runs once a process
    subprocess.run(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    assert np.asarray(Image.open(tmp_path / screenshot.PICTURE).convert("L")).std() > 10
