"""The studio's page in headless Chromium, with a stand-in for the engine that tests lead."""

import functools
import http.server
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.browser import chromium
from fingerspell.serve.studio.site import POLICY
from helpers.needed import need

WEB = Path(__file__).resolve().parents[2] / "web"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream=fps=10",
)  # fmt: skip


def _missing() -> str:
    """Returns what a browser run lacks here and how to get it; empty where it can run."""
    try:
        import playwright  # noqa: F401
    except ImportError:
        return "no Playwright: pip install playwright"
    if chromium.browser() is None:
        return "no Chromium: apt-get install chromium"
    if not (WEB / "node_modules" / "axe-core").is_dir():
        return "no esbuild and axe: npm install --prefix web"
    return ""


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Iterator[str]:
    """The address of the page: static files and the script with the stand-in, under a sub-path."""
    need(_missing())
    root = tmp_path_factory.mktemp("site")
    folder = shutil.copytree(WEB / "static", root / "below")
    esbuild = WEB / "node_modules" / ".bin" / "esbuild"
    subprocess.run(
        [esbuild, "tests/fake_engine.ts", "--bundle", "--format=iife", "--target=es2022",
         "--log-level=warning", f"--outfile={folder / 'studio.js'}"],
        cwd=WEB, check=True, timeout=60,
    )  # fmt: skip

    class Handler(http.server.SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            self.send_header("Content-Security-Policy", POLICY)
            super().end_headers()

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    serve = functools.partial(Handler, directory=root)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/below/"
        server.shutdown()


@pytest.fixture(scope="module")  # While it is open, no other loop of asyncio may run.
def browser(site) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        made = play.chromium.launch(executable_path=chromium.browser(), args=[*FLAGS])
        yield made
        made.close()


@pytest.fixture
def open_page(browser, site) -> Iterator[Callable[..., Any]]:
    """Opens the page in a fresh profile; what it logs as an error fails the test."""
    contexts, wrong = [], []

    def opened(
        query: str = "", *, script: str = "", camera: bool = True, width: int = 1280,
        theme: str = "light", **more: Any,
    ) -> Any:  # fmt: skip
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=theme,
            permissions=["camera"] if camera else [], **more,
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda said: said.type == "error" and wrong.append(said.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: asked.url.startswith((site, "blob:", "data:"))
                or wrong.append(f"a request to {asked.url}"))  # fmt: skip
        if script:
            page.add_init_script(script)
        page.goto(site + query)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []
