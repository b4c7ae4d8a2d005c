"""The explorer: what its page holds, and that a browser shows it. The latter needs a Chromium: Debian's, or Playwright's."""

import base64
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from conftest import change
from playwright.sync_api import sync_playwright

from replicate import explorer
from replicate.base.stage import BadInput
from replicate.gan import latent, model
from replicate.gan.latent import Codes
from replicate.gan.model import Model
from replicate.gan.run import Run
from replicate.gan.settings import Settings
from replicate.measures import classification, classifier, reading
from replicate.page import compact, content, screenshot
from replicate.parameters import Parameters

VALUES, DRAWS, MILESTONE, END = 3, 2, 2, 4
VARIANTS = ("infogan", "gan", "infomax")
LABELS = torch.arange(40) * 7 % 10


def untrained(settings: Settings) -> Model:
    """A model with random weights, whose images have contrast."""
    made, images = model.build(settings), torch.randint(256, (32, 28, 28), dtype=torch.uint8)
    model.settle_batchnorm(made, images, settings.latent, 32, torch.Generator().manual_seed(0))
    made.generator.upconvolutional[3].weight.data.mul_(4)
    return made.eval()


class Made(NamedTuple):
    params: Parameters
    models: dict[tuple[str, int], Model]  # by variant and iteration
    runs: list[dict[str, Any]]
    tables: list[dict[str, compact.Table]]  # of each run at each moment
    test: reading.Split
    path: Path


@pytest.fixture(scope="module")
def made(small, digits, tmp_path_factory) -> Made:
    """A page of three variants, untrained, at two moments."""
    options = {"grid_values": VALUES, "draws": DRAWS, "rank": 40, "milestones": [MILESTONE]}
    params = change(small, explorer=options)
    torch.manual_seed(0)
    models = {(name, at): untrained(params.settings(name)) for name in VARIANTS for at in (MILESTONE, END)}
    named, test = classifier.build().eval(), (digits.flip(2), LABELS.flip(0))
    runs, tables, packed = [], [], compact.packed
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "load", lambda this, iteration=END: models[this.variant, iteration])
        patch.setattr(content, "SAMPLES", 20)
        patch.setattr(Run, "training_images", lambda *_: (digits, LABELS))
        patch.setattr(compact, "packed", lambda of_one: tables.append(of_one) or packed(of_one))
        for name in VARIANTS:
            images, run = {"train_category": digits, "test_category": test[0]}, Run(name, 3, params.settings(name))
            found = {kind: reading.categories(models[name, END], of_kind) for kind, of_kind in images.items()}
            runs.append(content.explored(run, f"the {name}", found, named, params, test))
    path = tmp_path_factory.mktemp("explorer") / "index.html"
    path.write_text(explorer.render(runs, test, params.explorer), encoding="utf-8")
    return Made(params, models, runs, tables, test, path)


def codes_read(snapshot: dict[str, Any]) -> np.ndarray:
    """What is read of each image of the grid: (values of c2, values of c3, draws, categories, 3 codes)."""
    numbers = np.frombuffer(zlib.decompress(base64.b64decode(snapshot["read"])), np.int8)
    return numbers.reshape(3, 10, DRAWS, VALUES, VALUES).T / [1, content.PARTS, content.PARTS]


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
    draw = torch.arange(30) % 2
    codes = latent.sample(30, settings.latent, torch.Generator().manual_seed(1))._replace(noise=noise[draw])
    tables = compact.of(generator, noise, codes, settings.latent, rank=30)
    ours = compact.images(tables, draw, codes.category, codes.continuous)
    full = model.generate(generator, codes, settings.latent)
    assert full.std() > 0.1
    assert (ours - full).std() < 0.1 * full.std()


def test_the_page_holds_what_is_read_in_the_images_of_its_codes(made: Made):
    run, trained, prior = made.runs[0], made.models["infogan", END], made.params.latent
    in_training = reading.categories(trained, made.test[0].flip(2))
    matched = classification.match_one_to_one(classification.contingency(in_training, LABELS.numpy(), 10))
    assert run["error"] == np.mean(matched[reading.categories(trained, made.test[0])] != made.test[1].numpy())
    noise = latent.sample(DRAWS, prior, torch.Generator().manual_seed(made.params.explorer.seed)).noise
    c1, draw, row, column = np.indices((10, DRAWS, VALUES, VALUES)).reshape(4, -1)
    continuous = torch.tensor(2 * np.stack([column - 1, row - 1], axis=1)).float()
    codes = Codes(noise[draw], torch.from_numpy(np.argsort(matched)[c1]), continuous)
    posterior, read = content.read(trained, model.generate(trained.generator, codes, prior))
    found = codes_read(run["snapshots"][-1]).T.reshape(3, -1)
    assert (found[0] == matched[posterior.argmax(dim=1)]).all()
    np.testing.assert_allclose(found[1:].T, read, atol=0.51 / content.PARTS)


# --- In a browser ------------------------------------------------------------------------------------------------------

GREYS = "canvas => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 == 0)"
# How often something is said that a screen reader reads aloud.
COUNT_WHAT_IS_SAID = """() => {
  window.said = 0;
  const watch = new MutationObserver((changes) => (said += changes.length));
  const regions = document.querySelectorAll("output, [aria-live], [role=status], [role=alert]");
  regions.forEach((region) => watch.observe(region, {childList: true, characterData: true, subtree: true}));
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_playwright() as playwright:
        try:
            yield screenshot.launch(playwright)
        except BadInput as error:
            pytest.skip(str(error))


@pytest.fixture
def visit(browser, made: Made) -> Iterator[Any]:
    """Opens the page, offline, with a fragment; asserts afterwards that no error came, nor a wish to fetch something."""
    pages, errors = [], []

    def opened(fragment: str = "", **context: Any) -> Any:
        pages.append(page := browser.new_page(offline=True, **context))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(made.path.as_uri() + fragment)
        page.wait_for_selector("body[aria-busy=false]")
        return page

    yield opened
    for page in pages:
        page.close()
    assert errors == []


def state(page) -> dict[str, str]:
    """What the fragment says, once the page has kept it."""
    page.wait_for_timeout(400)
    return dict(part.split("=") for part in page.evaluate("location.hash.slice(1)").split("&"))


def test_a_tile_shows_what_g_draws_and_says_what_is_read_in_it(visit, made: Made):
    for run, at, c1 in ((0, 1, 4), (1, 0, 0), (2, 1, 9)):
        page = visit(f"#at={at}&c1={c1}&c2=1&c3=2")  # midway between the last two values of c2
        page.wait_for_timeout(400)
        tiles = page.locator(f".run >> nth={run} >> figure").all()
        draw, category = torch.arange(DRAWS), torch.full((DRAWS,), c1)
        expected = compact.images(made.tables[2 * run + at], draw, category, torch.tensor([[1.0, 2.0]] * DRAWS))[:, 0]
        drawn = np.reshape([tile.locator("canvas").evaluate(GREYS) for tile in tiles], (DRAWS, 28, 28)) / 255
        np.testing.assert_allclose(drawn, expected, atol=0.003)
        read = codes_read(made.runs[run]["snapshots"][at])[1:, 2, :, c1]
        for tile, near, mean in zip(tiles, read[0, :, 0], read[:, :, 1:].mean(axis=0)):
            words = [word.replace("−", "-") for word in tile.locator("b").all_text_contents()]
            assert words[0] == f"{near:.0f} {'✓' if near == c1 else '✗'}"
            np.testing.assert_allclose([float(word) for word in words[1:]], mean, atol=0.051)


def test_keys_move_all_that_a_hand_moves_and_a_link_restores_it(visit):
    page = visit("#c1=0")
    keys = {"#at": "ArrowLeft", "#other": "Enter", "#c2": "ArrowRight", "#c3": "End"}
    keys |= {".run >> nth=1 >> summary": "Enter"}
    keys |= {f"[name={name}]:checked": "ArrowRight" for name in ("c1", "reader", "digit")}
    for selector, key in keys.items():
        page.press(selector, key)
    codes = {"c1": "1", "c2": "0.05", "c3": "2", "reader": "gan", "digit": "1"}
    assert state(page) == codes | {"runs": "infogan,infomax", "at": "0", "z": "0"}
    assert page.text_content(".at .value") == f"{MILESTONE} iterations"
    again = visit(page.evaluate("location.hash"))
    assert state(again) == state(page)
    assert [row.is_visible() for row in again.locator(".tiles").all()] == [True, False, True]


def test_on_a_phone_two_runs_fit_below_the_codes_and_a_finger_moves_them(visit):
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert [row.is_visible() for row in page.locator(".tiles").all()] == [True, True, False]
    box, below = (page.locator(each).bounding_box() for each in ("#c2", ".run >> nth=1"))
    assert box["y"] < page.locator("canvas").first.bounding_box()["y"] and below["y"] + below["height"] <= 844
    page.touchscreen.tap(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2)
    page.locator(".categories label").nth(6).tap()
    assert 0.5 < float(state(page)["c2"]) <= 2 and state(page)["c1"] == "6"


def test_a_code_plays_and_nothing_is_read_aloud(visit):
    page = visit()
    page.evaluate(COUNT_WHAT_IS_SAID)
    page.click(".play[value=c2]")
    seen = [page.wait_for_timeout(350) or float(page.input_value("#c2")) for _ in range(8)]
    assert min(np.diff(seen)) < 0 < max(np.diff(seen)) and max(map(abs, seen)) <= 1
    assert page.evaluate("said") == 0
    page.locator(".digits label").nth(7).click()
    assert page.evaluate("said") > 0  # of another test image
    page.press("#c2", "End")
    assert page.get_attribute(".play[value=c2]", "aria-pressed") == "false" and state(page)["c2"] == "2"
