"""Runs the golden set through LiteRT.js in headless Chromium.

Debian's Chromium and the studio's packages: `apt-get install chromium npm`, then
`npm install --prefix web`. The page's script is built on the way, with the studio's own scaling.
"""

import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
_WEB = HERE.parents[1] / "web"
_PACKAGES = _WEB / "node_modules"
_KINDS = {".js": "text/javascript", ".wasm": "application/wasm", ".html": "text/html"}
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_TIMEOUT_S = 180.0


@dataclass(frozen=True, kw_only=True)
class Model:
    """A TFLite file and the inputs (N, h, w, 3) that it answers."""

    content: bytes
    tensors: NDArray[np.float32]


def missing() -> str:
    """Returns what a browser run lacks here and how to get it; empty where it can run."""
    if browser() is None:
        return "no Chromium: apt-get install chromium"
    if not (_PACKAGES / "@litertjs" / "core").is_dir():
        return "no LiteRT.js: npm install --prefix web"
    return ""


def browser() -> str | None:
    """Returns the path of Chromium, None where there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def answers(
    models: Mapping[str, Model], pictures: Mapping[str, bytes], scale: str | None = None
) -> dict[str, Any]:
    """Returns what a page finds; raises `RuntimeError` with its own words where it fails.

    `answers[name]` are probabilities (N, C) on each model's tensors and `outputs[name]` its number
    of outputs. With the model named `scale`, `pixels[way]` (N,) are the largest differences from
    its tensors of what the page makes of `pictures`, and `scaled[way]` (N, C) its answers to them.
    Ways: `own` is the studio's, `canvas_low` and `canvas_high` a canvas's scaling by its quality.
    """
    served: dict[str, bytes] = {f"pictures/{name}": x for name, x in pictures.items()}
    job: dict[str, Any] = {"models": {}, "pictures": [*served], "scale": scale}
    for name, model in models.items():
        served |= {
            f"{name}.tflite": model.content,
            f"{name}.bin": np.ascontiguousarray(model.tensors, "<f4").tobytes(),
        }
        size_px = list(model.tensors.shape[1:3])
        files = {"file": f"{name}.tflite", "tensors": f"{name}.bin"}
        job["models"][name] = {**files, "size_px": size_px}
    served["job.json"] = json.dumps(job).encode()
    served["page.js"] = _script()
    result = json.loads(_posted(served))
    if "error" in result:
        raise RuntimeError(f"the page failed: {result['error']}")
    return dict(result)


def _script() -> bytes:
    """Returns the page's script, built by esbuild."""
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "page.js"
        build = ["node", str(_WEB / "build.mjs"), "--bundle", str(built), str(HERE / "page.js")]
        subprocess.run(build, check=True)
        return built.read_bytes()


def _posted(served: Mapping[str, bytes]) -> bytes:
    """Serves a page to Chromium until it posts its result, which is returned."""
    posted: list[bytes] = []
    arrived = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.lstrip("/") or "page.html"
            path = (_PACKAGES if name.startswith("@litertjs/") else HERE) / name
            content = served.get(name) or (path.read_bytes() if path.is_file() else None)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Type", _KINDS.get(path.suffix, "application/octet-stream"))
            self.end_headers()
            self.wfile.write(content or b"")

        def do_POST(self) -> None:
            posted.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()
            arrived.set()

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        tempfile.TemporaryFile() as log,
        ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = [
            str(browser()), "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-dev-shm-usage", "--disable-extensions", "--disable-background-networking",
            "--mute-audio", f"--user-data-dir={profile}", f"http://127.0.0.1:{server.server_port}/",
        ]  # fmt: skip
        with subprocess.Popen(command, stdout=log, stderr=log) as process:
            try:
                if not arrived.wait(_TIMEOUT_S):
                    log.seek(0)
                    said = log.read().decode(errors="replace")[-2000:]
                    raise RuntimeError(f"Chromium posted nothing in {_TIMEOUT_S:.0f} s: {said}")
            finally:
                process.terminate()
                server.shutdown()
    return posted[0]
