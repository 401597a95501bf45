"""Takes README's pictures of the page and of the report, in a headless Chromium.

python -m tests.commands.take_screenshots saved_models/cifar10 --data cifar10 --image 13
"""

import argparse
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from keras_vit import load_data
from keras_vit.commands import main
from tests.commands.test_serve import CHROMIUM, move, overlay, served, upload

OUT = Path("results", "pictures")


def take(model, data, number, out):
    images = load_data(data)
    name = images.class_names[images.y_test[number]]
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as driver:
        scratch = Path(scratch)
        picture = scratch / f"{name}.png"
        Image.fromarray(images.x_test[number]).save(picture)
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        with served(model, scratch / "log") as url:
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(url)
            page.wait_for_selector("#prediction")
            upload(page, picture)
            last = overlay(page)
            move(page, "block", 1)
            overlay(page, unlike=last)
            page.wait_for_selector("#prediction :text('%')")
            page.wait_for_timeout(1000)  # the bars grow
            page.screenshot(path=out / "page.png", full_page=True)
        main(["inspect", str(model), "--data", data, "--out", str(scratch / "report")])
        page = browser.new_page(viewport={"width": 1060, "height": 800})
        page.goto((scratch / "report" / "report.html").as_uri())
        # As much as can be read: numbers, curves, confusions.
        end = page.locator("h2", has_text="Most confident mistakes").bounding_box()["y"]
        page.set_viewport_size({"width": 1060, "height": int(end)})
        page.screenshot(path=out / "report.png")
        browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--image", type=int, default=1, help="number of a test image")
    parser.add_argument("--out", type=Path, default=OUT)
    flags = parser.parse_args()
    flags.out.mkdir(parents=True, exist_ok=True)
    take(flags.model, flags.data, flags.image, flags.out)
