"""A picture of the explorer, for README.md: explorer/screenshot.png. `make screenshot`; needs Chromium.

No stage of the pipeline, which has to work without a browser.
"""

import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Playwright, sync_playwright

from replicate.base import files, stage
from replicate.base.stage import BadInput

PAGE, PICTURE = Path("explorer", "index.html"), Path("explorer", "screenshot.png")
SIZE = {"width": 1200, "height": 1600}  # pixels of the window


def launch(playwright: Playwright) -> Browser:
    """This machine's Chromium, or Playwright's own. Raises BadInput when there is neither."""
    installed = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    path = next(filter(None, installed), playwright.chromium.executable_path)
    if not Path(path).exists():
        raise BadInput("there is no Chromium: install Debian's, or run `playwright install chromium`")
    return playwright.chromium.launch(executable_path=path)


def take(browser: Browser, path: Path) -> Image.Image:
    """The page from its title to the last row of images."""
    page = browser.new_page(viewport=SIZE, color_scheme="light")
    page.goto(path.resolve().as_uri())
    page.wait_for_selector("body[aria-busy=false]")
    page.wait_for_timeout(2000)  # until all is drawn
    form = page.locator("form.explorer").bounding_box()
    seen = page.screenshot(clip={"x": 0, "y": 0, "width": SIZE["width"], "height": form["y"] + form["height"]})
    page.close()
    return Image.open(io.BytesIO(seen)).convert("RGB")


def main() -> None:
    with sync_playwright() as playwright:
        picture = take(launch(playwright), PAGE)
    with files.whole_file(PICTURE) as temporary:
        picture.quantize(256).save(temporary, optimize=True)


if __name__ == "__main__":
    stage.run(main)
