"""A picture of the explorer, for README.md: explorer/screenshot.png. `make screenshot`; needs Chromium.

No stage of the pipeline, which has to work without a browser.
"""

import shutil
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

from replicate.base import stage
from replicate.base.stage import BadInput

SIZE = {"width": 1200, "height": 1600}  # pixels of the window


def launch(playwright: Playwright) -> Browser:
    """This machine's Chromium, or Playwright's own. Raises BadInput when there is neither."""
    installed = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    path = next(filter(None, installed), playwright.chromium.executable_path)
    if not Path(path).exists():
        raise BadInput("there is no Chromium: install Debian's, or run `playwright install chromium`")
    return playwright.chromium.launch(executable_path=path)


def main() -> None:
    """Take the page from its title to the last row of images."""
    with sync_playwright() as playwright:
        page = launch(playwright).new_page(viewport=SIZE, color_scheme="light")
        page.goto(Path("explorer/index.html").resolve().as_uri())
        page.wait_for_selector("body[aria-busy=false]")
        page.wait_for_timeout(2000)  # until all is drawn
        form = page.locator("form.explorer").bounding_box()
        page.screenshot(
            path="explorer/screenshot.png", clip=SIZE | {"x": 0, "y": 0, "height": form["y"] + form["height"]}
        )


if __name__ == "__main__":
    stage.run(main)
