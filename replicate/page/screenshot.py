"""A picture of the explorer, for README.md: explorer/screenshot.png. `make screenshot`; needs Chromium.

No stage of the pipeline, which has to work without a browser. The picture names the checksum of the page that it shows.
"""

import hashlib
import io
import shutil
from pathlib import Path

from PIL import Image, ImageOps, PngImagePlugin
from playwright.sync_api import Playwright, sync_playwright

from replicate.base import stage
from replicate.base.stage import BadInput

PAGE, PICTURE = Path("explorer", "index.html"), Path("explorer", "screenshot.png")
SIZE = {"width": 1200, "height": 1600}  # pixels of the window
EDGE = 20  # pixels of the page's colour around what is shown of it
SHOWS = "page sha256"  # the picture's text with the checksum of the page


def chromium(playwright: Playwright) -> str:
    """The path of this machine's Chromium, or of Playwright's own. Raises BadInput when there is neither."""
    installed = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    path = next(filter(None, installed), playwright.chromium.executable_path)
    if not Path(path).exists():
        raise BadInput("there is no Chromium: install Debian's, or run `playwright install chromium`")
    return path


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(playwright))
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(PAGE.resolve().as_uri())
        page.wait_for_selector("body[aria-busy=false]")
        page.wait_for_timeout(2000)  # until all is drawn
        seen = Image.open(io.BytesIO(page.locator("form.explorer").screenshot())).convert("RGB")
        browser.close()
    text = PngImagePlugin.PngInfo()
    text.add_text(SHOWS, hashlib.sha256(PAGE.read_bytes()).hexdigest())
    framed = ImageOps.expand(seen, EDGE, seen.getpixel((0, 0)))
    with stage.whole_file(PICTURE) as temporary:
        framed.quantize(256).save(temporary, optimize=True, pnginfo=text)


if __name__ == "__main__":
    stage.run(main)
