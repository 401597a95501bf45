"""The page, in a real browser where there is one."""

import contextlib
import io
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import keras
import numpy as np
import pytest
from PIL import Image

from keras_vit import attention_maps
from keras_vit.report.overlay_image import heat_image

pytestmark = pytest.mark.medium

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    pytest.importorskip("gradio", reason="gradio, the extra `app`, is not installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextlib.contextmanager
def served(model, log):
    """The address of a `serve` in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "keras_vit", "serve", str(model), "--port", str(port)]
    with open(log, "w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        give_up = time.time() + 120
        while "until Ctrl-C" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.time() < give_up, log.read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def vit_url(vit_folder, tmp_path_factory, browser):
    with served(vit_folder, tmp_path_factory.mktemp("logs") / "log") as url:
        yield url


@pytest.fixture
def page(browser, vit_url):
    page = browser.new_page()
    page.requested = []
    page.on("request", lambda request: page.requested.append(request.url))
    page.goto(vit_url)
    page.wait_for_selector("#prediction")
    yield page
    page.close()


def upload(page, path):
    page.set_input_files("input[type=file]", str(path))


def overlay(page, unlike=None):
    """The overlay's pixels, once they are others than `unlike`'s."""
    give_up = time.time() + 60
    while time.time() < give_up:
        image = page.locator("#overlay img")
        if image.count():
            with urllib.request.urlopen(image.get_attribute("src")) as answer:
                pixels = np.asarray(Image.open(io.BytesIO(answer.read())))
            if unlike is None or not np.array_equal(pixels, unlike):
                return pixels
        time.sleep(0.1)
    raise AssertionError("no new overlay")


def move(page, name, value):
    field = page.locator(f"#{name} input[type=number]")
    field.fill(str(value))
    field.press("Enter")


def test_a_picture_gets_its_classes_and_its_attention(page, vit_folder, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype("uint8")
    Image.fromarray(pixels).save(tmp_path / "some.png")
    model = keras.saving.load_model(vit_folder / "model.keras")
    order = np.argsort(-model.predict(pixels[None], verbose=0)[0])[:5]
    maps = attention_maps(model, pixels[None])[:, 0]  # (depth, heads, T, T)

    upload(page, tmp_path / "some.png")
    page.wait_for_selector(f"#prediction :text('{model.class_names[order[0]]}')")
    told = page.locator("#prediction").inner_text().split()
    assert [word for word in told if word in model.class_names][1:] == [
        model.class_names[k] for k in order
    ]
    assert "some.png: 8x8 pixels" in page.locator("#message").inner_text()
    assert page.locator("#seen img").count() == 1

    def wanted(weights):
        return heat_image(pixels, weights[0, 1:].reshape(4, 4))

    mean = overlay(page)
    np.testing.assert_allclose(mean, wanted(maps[1].mean(axis=0)), atol=1)
    move(page, "head", 2)
    second = overlay(page, unlike=mean)
    np.testing.assert_allclose(second, wanted(maps[1][1]), atol=1)
    move(page, "block", 1)
    np.testing.assert_allclose(overlay(page, unlike=second), wanted(maps[0][1]), atol=1)


def test_it_asks_nothing_of_any_other_machine(page, vit_url, picture):
    upload(page, picture)
    overlay(page)
    assert page.requested
    assert all(re.match(rf"{vit_url}/|data:|blob:", url) for url in page.requested)


def test_what_is_no_picture_gets_a_message_and_takes_the_old_answer_away(page, picture, tmp_path):
    upload(page, picture)
    overlay(page)
    (tmp_path / "notes.png").write_text("no picture")
    page.get_by_label("Clear").or_(page.get_by_label("Remove this file")).first.click()
    upload(page, tmp_path / "notes.png")
    page.wait_for_selector("#message :text('notes.png can\\'t be read as a picture')")
    page.wait_for_selector("#overlay img", state="detached")
    assert "%" not in page.locator("#prediction").inner_text()


def test_a_file_that_is_too_large_is_taken_by_neither_page_nor_server(page, vit_url, tmp_path):
    large = bytes(21 * 2**20)
    (tmp_path / "large.png").write_bytes(large)
    upload(page, tmp_path / "large.png")
    page.wait_for_selector(":text('exceed the maximum allowed size')")
    assert "%" not in page.locator("#prediction").inner_text()
    file = {"name": "large.png", "mimeType": "image/png", "buffer": large}
    answer = page.request.post(f"{vit_url}/gradio_api/upload", multipart={"files": file})
    assert answer.status == 413


def test_a_model_without_attention_shows_its_classes_alone(browser, cnn_file, picture, tmp_path):
    with served(cnn_file, tmp_path / "log") as url:
        page = browser.new_page()
        page.goto(url)
        page.wait_for_selector("#prediction")
        assert "no attention blocks to look into" in page.locator("body").inner_text()
        upload(page, picture)
        page.wait_for_selector("#prediction :text('%')")
        assert page.locator("#overlay").count() == 0
        page.close()
