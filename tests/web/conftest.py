"""A browser, and a studio with the engine alone in it."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.browser.chromium import browser as browser_path
from fingerspell.runtime import Recogniser
from fingerspell.serve.app import create_app
from fingerspell.serve.running import running
from helpers.needed import need
from house import ROOT

WEB = ROOT / "web"
_PAGE = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Engine</title>\
<link rel="icon" href="data:,"><script src="engine.js"></script></head><body></body></html>'


@pytest.fixture(scope="session")
def node() -> str:
    """Node, and the packages of `web`."""
    found = shutil.which("node")
    if found is None or not (WEB / "node_modules" / "esbuild").is_dir():
        need("no Node with esbuild: apt-get install npm, npm install --prefix web")
    return str(found)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Debian's Chromium, and Playwright to drive it."""
    found = browser_path()
    if found is None:
        need("no Chromium: apt-get install chromium")
    try:
        import playwright  # noqa: F401
    except ModuleNotFoundError:
        need("no Playwright: pip install playwright")
    return str(found)


@pytest.fixture(scope="session")
def engine_page(node: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built studio whose page has the engine as the global `studio`, and nothing else."""
    folder = tmp_path_factory.mktemp("studio")
    subprocess.run([node, WEB / "build.mjs", "--out", folder], check=True)
    subprocess.run([node, WEB / "build.mjs", "--engine", folder / "engine.js"], check=True)
    (folder / "index.html").write_text(_PAGE, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def served(engine_page: Path) -> Iterator[str]:
    """The address of a server with the released recogniser and the engine's page."""
    with running(create_app(Recogniser.load(), static=engine_page)) as url:
        yield url


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The film that the browser's camera plays again and again, from its start when turned on.

    A test writes it: motion JPEG, 30 pictures a second.
    """
    return tmp_path_factory.mktemp("film") / "camera.mjpeg"


@pytest.fixture(scope="module")  # While it is open, no other loop of asyncio may run.
def browser(chromium: str, camera: Path) -> Iterator[Any]:
    """Chromium with a camera that plays a film."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox", "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={camera}",
            ],
        )  # fmt: skip
        yield started
        started.close()
