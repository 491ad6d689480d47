"""The studio in headless Chromium: parity with Python, speed, sizes, memory.

    python benchmarks/browser/studio.py
    python benchmarks/browser/studio.py --quick     # 200 frames instead of 2,000

Needs what `benchmarks/browser/chromium.py` names, and Playwright. Saves `benchmarks/results/
studio.json`: the released recogniser's file with the page's outputs on the same tensors and on
the page's own scaling of the golden pictures; with a fake camera of 640 × 480 at 30 frames a second
frames read a second, processor time a frame of all of Chromium's processes and of the page's (with
the worker) alone, each the median of five rounds of 200 frames; seconds until the first answer on
loopback; memory before and after 2,000 frames.
Of the whole studio, opened `OPENED` times: the longest task of the page's thread in its first ten
seconds (a browser counts from 50 ms on). Bytes of the own scripts, and of runtime and model with
brotli.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import psutil

from benchmarks.browser import chromium
from benchmarks.circumstances import record
from fingerspell.machine import load_quietly

OPENED = ROUNDS = 5
BUILD = Path(__file__).resolve().parents[2] / "web" / "build.mjs"
PAGE = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Engine</title>\
<link rel="icon" href="data:,"><script src="engine.js"></script></head><body></body></html>'
WATCHED = """new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) {
    window.longest = Math.max(window.longest ?? 0, duration);
  }
}).observe({ type: 'longtask', buffered: true });"""
OPEN = """async () => {
  const base = new URL('./', location.href);
  window.rec = await studio.engine.openOnDevice(base, await studio.engine.contract(base));
  const video = { width: 640, height: 480, frameRate: 30 };
  const srcObject = await navigator.mediaDevices.getUserMedia({ video });
  window.video = Object.assign(document.createElement('video'), { srcObject, muted: true });
  document.body.append(window.video);
  await window.video.play();
  await rec.frame(new VideoFrame(window.video), 0);
  return performance.now() / 1000;
}"""
WATCH = """async (count) => {
  const start = performance.now();
  const times = [];
  await new Promise((done) => {
    const next = async (now) => {
      if (times.length >= count) return done();
      window.video.requestVideoFrameCallback(next);
      const seen = await rec.frame(new VideoFrame(window.video), now);
      if (seen) times.push(seen.ms);
    };
    window.video.requestVideoFrameCallback(next);
  });
  times.sort((a, b) => a - b);
  return { frames: times.length, seconds: (performance.now() - start) / 1000,
           ms_median: times[times.length >> 1], ms_p95: times[Math.floor(0.95 * times.length)] };
}"""
HEAP = """async () => {
  const page = performance.memory.usedJSHeapSize;
  return { wasm: await rec.worker.ask('heap', []), page };
}"""
READ = """async (name) => {
  const file = await (await fetch(name)).blob();
  return [...(await rec.picture(file)).probabilities];
}"""


def processor_s() -> dict[str, float]:
    """Returns the processor time of all of Chromium's processes, and of its pages alone."""
    times = {"chromium": 0.0, "page": 0.0}
    for process in psutil.Process().children(recursive=True):
        try:
            if "chrom" in process.name():
                used_s = sum(process.cpu_times()[:2])
                times["chromium"] += used_s
                times["page"] += used_s * ("--type=renderer" in process.cmdline())
        except psutil.Error:
            continue
    return times


def sizes(static: Path, model: bytes) -> dict[str, Any]:
    """Returns the bytes of the own scripts, and of runtime and model with brotli."""
    import gzip

    told = subprocess.run(["node", str(BUILD), "--sizes"], check=True, capture_output=True)
    scripts = json.loads(told.stdout)
    runtime = [gzip.decompress((static / f"litert.{x}.gz").read_bytes()) for x in ("js", "wasm")]
    parts = [*runtime, model]
    packed = []
    for part in parts:
        code = (
            "const z=require('zlib');const c=[];process.stdin.on('data',x=>c.push(x)).on('end',()=>"
            "console.log(z.brotliCompressSync(Buffer.concat(c),{params:{[z.constants."
            "BROTLI_PARAM_LGWIN]:24}}).length))"
        )
        packed.append(int(subprocess.run(["node", "-e", code], input=part, check=True,
                                         capture_output=True).stdout))  # fmt: skip
    names = ("litert.js", "litert.wasm", "studio.tflite")
    brotli = dict(zip(names, packed, strict=True))
    return {"scripts_bytes": scripts, "own_scripts_bytes": sum(x["own"] for x in scripts.values()),
            "brotli_bytes": brotli, "brotli_sum_bytes": sum(packed)}  # fmt: skip


def scaling(page: Any, contents: dict[str, bytes], expected: Any) -> dict[str, Any]:
    """Returns how far the page's answers to picture files are from Python's (N, C)."""
    rows = np.array([page.evaluate(READ, f"pictures/{name}") for name in contents])
    off = np.abs(rows - expected).max(1)
    same = float((rows.argmax(1) == expected.argmax(1)).mean())
    return {"pictures": len(rows), "probability_max": float(off.max()), "same_class": same}


@contextmanager
def chromium_with_camera() -> Iterator[Any]:
    """Gives a browser whose camera is Chromium's test picture and needs no permission."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium.browser(),
            args=["--no-sandbox", "--use-fake-ui-for-media-stream", "--enable-precise-memory-info",
                  "--use-fake-device-for-media-stream", "--js-flags=--expose-gc"],
        )  # fmt: skip
        yield browser
        browser.close()


def longest_tasks_ms(url: str) -> list[float]:
    """Returns the longest task of the studio's page, each time in a browser of its own."""
    found = []
    for _ in range(OPENED):
        with chromium_with_camera() as browser:
            page = browser.new_page()
            page.add_init_script(WATCHED)
            page.goto(url)
            page.get_by_text("frames a second").first.wait_for()
            page.wait_for_timeout(10_000)
            found.append(page.evaluate("() => window.longest ?? 0"))
    return found


def watched(page: Any) -> dict[str, float]:
    """Returns speed and processor time over 200 frames of the camera."""
    before, started_s = processor_s(), time.perf_counter()
    camera: dict[str, float] = page.evaluate(WATCH, 200)
    after, watched_s = processor_s(), time.perf_counter() - started_s
    camera["frames_a_second"] = camera["frames"] / camera["seconds"]
    used_s = {name: after[name] - before[name] for name in after}
    for name, seconds in used_s.items():
        camera[f"processor_ms_a_frame_{name}"] = 1000 * seconds / camera["frames"]
    return camera | {"processors_busy": used_s["chromium"] / watched_s}


def measured(url: str, contents: dict[str, bytes], expected: Any, frames: int) -> dict[str, Any]:
    """Returns what the page does in front of a fake camera."""
    with chromium_with_camera() as browser:
        page = browser.new_page()
        page.goto(url)
        figures: dict[str, Any] = {"agent": page.evaluate("() => navigator.userAgent")}
        figures["first_answer_s"] = page.evaluate(OPEN)
        page.evaluate(WATCH, 30)  # Warm.
        figures["rounds"] = [watched(page) for _ in range(ROUNDS)]
        names = figures["rounds"][0]
        figures["camera"] = {k: statistics.median(x[k] for x in figures["rounds"]) for k in names}
        page.evaluate("() => gc()")
        heap = page.evaluate(HEAP)
        page.evaluate(WATCH, frames)
        page.evaluate("() => gc()")
        grown = page.evaluate(HEAP)
        figures["memory"] = {"frames": frames, "before_bytes": heap, "after_bytes": grown}
        figures["own_scaling"] = scaling(page, contents, expected)
    return figures


def main() -> None:
    """Serves the released recogniser with a page that holds the engine alone."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="200 frames; nothing is saved")
    quick = parser.parse_args().quick
    load_quietly("keras")
    from fingerspell.export import golden
    from fingerspell.runtime import STARTER, Recogniser
    from fingerspell.runtime.page_model import page_model
    from fingerspell.serve.app import create_app
    from fingerspell.serve.running import running
    from fingerspell.serve.studio import STATIC

    known = Recogniser.load(STARTER)
    contents = golden.pictures()
    tensors = golden.tensors(contents.values(), known.size_px)
    expected = known.probabilities(tensors)
    model = page_model(known.light_model() if known.light_model else b"").content
    answers = chromium.answers({"page": chromium.Model(content=model, tensors=tensors)}, {})
    found = np.array(answers["answers"]["page"])
    figures: dict[str, Any] = {
        "recogniser": known.contract.origin.get("finished"),
        "same_tensor": {
            "pictures": len(found),
            "probability_max": float(np.abs(found - expected).max()),
            "same_class": float((found.argmax(1) == expected.argmax(1)).mean()),
        },
    }
    with tempfile.TemporaryDirectory() as folder:
        static = Path(folder)
        for option, path in (("--out", static), ("--engine", static / "engine.js")):
            subprocess.run(["node", str(BUILD), option, str(path)], check=True)
        (static / "index.html").write_text(PAGE, encoding="utf-8")
        (static / "pictures").mkdir()
        for name, content in contents.items():
            (static / "pictures" / name).write_bytes(content)
        with running(create_app(known, static=static)) as url:
            figures |= measured(url, contents, expected, 200 if quick else 2000)
    with running(create_app(known)) as url:
        figures["longest_page_tasks_ms"] = longest_tasks_ms(url)
    figures |= sizes(STATIC, model)
    if quick:
        print(figures)
    else:
        print(record("studio", "browser/studio", None, figures).read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
