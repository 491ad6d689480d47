"""The studio as it is shipped, in Chromium, in front of a camera that plays films."""

import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fingerspell.images import fit, read
from fingerspell.images.encode import encode_jpeg
from fingerspell.runtime import Recogniser
from fingerspell.serve.app import create_app
from fingerspell.serve.running import running
from fingerspell.serve.studio.collect import Collect
from fingerspell.synth.motion import Timing
from fingerspell.synth.picture import draw
from fingerspell.synth.video import film
from house import ROOT

pytestmark = pytest.mark.browser

CAMERA_FPS, FILM_FPS = 30, 15
SIDE_PX = 112
UNSEEN_SIGNER = ROOT.parent / "shared" / "data" / "dev_signify"
FACES = (2, 7)
"""Seeds of `nothing` that show somebody's face."""

WRITTEN = "localStorage['fingerspell.text'] ? JSON.parse(localStorage['fingerspell.text']) : ''"
ASKS_FIRST = "navigator.permissions.query = async () => ({ state: 'prompt' });"
ON_SERVER = "localStorage['fingerspell.settings'] = JSON.stringify({ where: 'server' })"


def write(path: Path, pictures: Iterator[np.ndarray]) -> None:
    """Writes a camera's film, wider than high: the square in its middle is what is read."""
    with path.open("wb") as file:
        for rgb in pictures:
            wide = np.pad(rgb, ((0, 0), (18, 18), (0, 0)), mode="edge")
            file.write(encode_jpeg(wide) * (CAMERA_FPS // FILM_FPS))


def held(rgb: np.ndarray, seconds: float) -> Iterator[np.ndarray]:
    """A still in front of a camera whose light flickers a little."""
    for number in range(round(seconds * FILM_FPS)):
        yield np.clip(rgb.astype(int) + number % 3 - 1, 0, 255).astype(np.uint8)


def photograph(label: str) -> np.ndarray:
    first = min((UNSEEN_SIGNER / label).iterdir(), key=lambda path: int(path.stem))
    return np.uint8(fit(read(first), (SIDE_PX, SIDE_PX)) * 255)


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic hands spell HELLO and BOOK."""
    path = tmp_path_factory.mktemp("words") / "words.mjpeg"
    how = {
        "fps": FILM_FPS,
        "seed": 1,
        "size_px": (SIDE_PX, SIDE_PX),
        "timing": Timing(hold_s=0.5, rest_s=1.2),
    }
    write(path, (frame.rgb for frame in film("HELLO BOOK", **how)))
    return path


@pytest.fixture(scope="module")
def studio() -> Iterator[str]:
    """The address of the page as it is shipped."""
    with running(create_app(Recogniser.load())) as url:
        yield f"{url}/"


class Studio:
    """The page, its recogniser loaded; `said` is what it complained of, `asked` what it loaded."""

    def __init__(self, browser: Any, url: str, script: str = "", key: str = "") -> None:
        self.asked: list[str] = []
        self.said: list[str] = []
        self.context = browser.new_context()
        self.page = self.context.new_page()
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda x: self.said.append(x.text) if x.type == "error" else None)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.add_init_script(ASKS_FIRST + script)
        with self.page.expect_response("**/words.txt"):  # Asked for once all is ready.
            self.page.goto(url)
            if key:
                self.page.get_by_label("Key").fill(key)
                self.page.get_by_role("button", name="Open").click()

    def written(self) -> str:
        return self.page.evaluate(WRITTEN)

    def turn_on(self) -> None:
        self.page.get_by_role("button", name="Turn on the camera", exact=True).click()
        self.page.wait_for_selector(".stage[data-state=live]")

    def wait_for(self, text: str, seconds: float = 45) -> None:
        until_s = time.monotonic() + seconds
        while text not in (written := self.written()):
            assert time.monotonic() < until_s, written
            time.sleep(0.05)

    def close(self) -> None:
        self.context.close()
        assert self.said == []


@pytest.mark.parametrize("script", ["", ON_SERVER], ids=["on_the_device", "by_the_server"])
def test_the_words_in_front_of_the_camera_become_text(browser, studio, camera, words, script):
    camera.write_bytes(words.read_bytes())
    opened = Studio(browser, studio, script)
    opened.turn_on()
    opened.wait_for("HELLO BOOK")
    told = opened.page.locator(".spell .mode").first.inner_text()
    assert ("No picture leaves this machine" in told) is not bool(script)
    loaded = [url for url in opened.asked if url.endswith((".tflite", ".wasm"))]
    assert len(loaded) == (0 if script else 2)
    opened.close()


def test_a_face_without_a_hand_writes_nothing(browser, studio, camera):
    faces = (draw("nothing", seed, (SIDE_PX, SIDE_PX)).rgb for seed in FACES)
    write(camera, chain.from_iterable(held(rgb, 1.0) for rgb in faces))
    opened = Studio(browser, studio)
    opened.turn_on()
    opened.page.locator(".hint", has_text="No hand").wait_for()
    time.sleep(4)
    assert opened.written() == ""
    opened.close()


@pytest.mark.skipif(not UNSEEN_SIGNER.is_dir(), reason="needs the photographs of ../shared/data")
def test_photographs_of_an_unseen_signer_become_text(browser, studio, camera):
    shown = ((photograph("nothing"), 0.5), *((photograph(x), 0.7) for x in "LUCKY"))
    write(camera, chain.from_iterable(held(rgb, seconds) for rgb, seconds in shown))
    opened = Studio(browser, studio)
    opened.turn_on()
    opened.wait_for("LUCKY")
    opened.close()


def test_behind_a_key_the_server_reads_and_takes_pictures(browser, camera, words, tmp_path):
    camera.write_bytes(words.read_bytes())
    key, collect = "a-key-of-sixteen.characters", Collect(tmp_path / "hands", "fingerspell adapt")
    with running(create_app(Recogniser.load(), keys=[key], collect=collect)) as url:
        opened = Studio(browser, f"{url}/#collect&token={collect.token}", ON_SERVER, key)
        opened.turn_on()
        page = opened.page
        time.sleep(1.5)  # Until the hand comes: pictures that are alike are kept once.
        page.locator(".record:enabled").press("Space")
        page.locator(".thumb").nth(3).wait_for()
        page.locator(".record").press("Space")
        page.get_by_role("button", name="Hand to the server").click()
        page.get_by_text("handed over").wait_for()
        kept = [path.relative_to(collect.folder).parts for path in collect.folder.rglob("*.jpg")]
        assert len(kept) >= 2 and {label for label, _ in kept} == {"A"}
        assert not [x for x in opened.asked if key in x or collect.token in x]
        assert opened.said == [opened.said[0]] and "401" in opened.said.pop()
        opened.close()
