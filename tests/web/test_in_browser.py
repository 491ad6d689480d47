"""The engine in Chromium: pictures, last layers and words, on the device and by the server."""

import base64
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fingerspell.export.verify import verify
from fingerspell.images.encode import encode_png
from fingerspell.live import rules_at
from fingerspell.runtime import MODEL_FILES, Recogniser
from fingerspell.runtime.page_model import page_model
from fingerspell.serve.app import create_app
from fingerspell.serve.running import running
from fingerspell.serve.studio import Site, write_site
from fingerspell.synth import draw

pytestmark = pytest.mark.browser

OPEN = """async (mode) => {
  const base = new URL('./', location.href);
  const contract = await studio.engine.contract(base);
  window.states = [];
  window.shares = [];
  window.rec = mode === 'server'
    ? await studio.engine.openOnServer(base, contract,
        (state, locked) => states.push(locked ? 'locked' : state))
    : await studio.engine.openOnDevice(base, contract, (share) => shares.push(share));
  window.speller = studio.engine.speller(contract);
  return rec.mode;
}"""

PICTURE = """async (encoded) => {
  const bytes = Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0));
  try {
    const seen = await rec.picture(new Blob([bytes], { type: 'image/png' }));
    const { probabilities, hand, features, crop, brightness } = seen;
    return { row: [...probabilities], hand, features: features && [...features], brightness,
             crop: [crop.width, crop.height] };
  } catch (error) {
    return { found: error.found, engine: error instanceof studio.EngineError };
  }
}"""


BUNDLED = """async (head) => {
  const files = await studio.engine.bundle(new URL('./', location.href), rec.contract, head);
  return Promise.all(files.map(({ name, content }) => new Promise((done) => {
    const reader = new FileReader();
    reader.onload = () => done([name, reader.result.split(',')[1]]);
    reader.readAsDataURL(content);
  })));
}"""

LEARN_AND_READ = """async (pictures) => {
  const { labels } = rec.contract;
  const blob = (encoded) =>
    new Blob([Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0))], { type: 'image/png' });
  const examples = [];
  for (const [label, encoded] of pictures) {
    const { features } = await rec.picture(blob(encoded));
    examples.push({ label, features });
  }
  const { before, after, heldBack, head } = await studio.engine.train(examples, labels);
  rec.adapt(head);
  const row = [...(await rec.picture(blob(pictures[0][1]))).probabilities];
  rec.adapt(null);
  window.learnt = head;
  return { before, after, heldBack, row };
}"""


class Page:
    """A page of the engine, and everything it asked for or complained of."""

    def __init__(self, browser: Any, url: str) -> None:
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page = browser.new_page()
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda x: self.said.append(x.text) if x.type == "error" else None)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.goto(url)
        self.run = self.page.evaluate

    def wait_for(self, state: str) -> None:
        """Waits until the server is `open` or `gone`; the policy forbids Playwright's way."""
        until_s = time.monotonic() + 30
        while self.run("() => states.at(-1)") != state:
            assert time.monotonic() < until_s, self.run("() => states")
            time.sleep(0.05)


@pytest.fixture(scope="module")
def shared(browser, served) -> Iterator[Page]:
    """A page with the recogniser on the device."""
    opened = Page(browser, served)
    opened.run(OPEN, "wasm")
    yield opened
    opened.page.close()


@pytest.fixture
def page(shared, served) -> Iterator[Page]:
    yield shared
    hosts = {"/".join(url.split("/")[:3]) for url in shared.asked if "://" in url}
    assert hosts == {served}, "a page that asks another host"
    assert shared.said == []


def picture(seed: int = 3, shape: tuple[int, int] = (300, 220)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 5, 3), np.uint8)
    return np.kron(coarse, np.ones((shape[0] // 6, shape[1] // 5, 1), np.uint8))


def encoded(rgb: np.ndarray) -> str:
    return base64.b64encode(encode_png(rgb)).decode()


def test_how_much_of_the_model_is_loaded_is_told(page):
    shares = page.run("() => shares")
    assert shares == sorted(shares) and 0 < shares[0] < shares[-1] == 1


def test_a_picture_is_read_as_python_reads_it(page):
    rgb = picture()
    told = page.run(PICTURE, encoded(rgb))
    answer, square = Recogniser.load().watch(rgb)
    np.testing.assert_allclose(told["row"], answer.probabilities, atol=1e-3)
    np.testing.assert_allclose(told["hand"], square, atol=1e-3)
    assert told["crop"] == [200, 200] and len(told["features"]) == 2 * 960
    assert 0.2 < told["brightness"] < 0.8


def test_only_allowed_labels_are_answered_and_a_layer_of_its_own_is_used(page):
    page.run("() => rec.allow(['A', 'B'])")
    row = page.run(PICTURE, encoded(picture()))["row"]
    assert sum(row) == pytest.approx(1) and row[0] + row[1] == pytest.approx(1)
    page.run("""() => {
      const labels = rec.contract.labels.length;
      const bias = new Float32Array(labels);
      bias[4] = 9;
      rec.allow(null);
      rec.adapt({ weights: new Float32Array(960 * labels), bias });
    }""")
    row = page.run(PICTURE, encoded(picture()))["row"]
    assert np.argmax(row) == 4 and max(row) > 0.99
    wrong = "() => { try { rec.adapt({ weights: new Float32Array(6), bias: new Float32Array(3) }) }"
    assert "3 labels" in page.run(f"{wrong} catch (error) {{ return error.found }} }}")
    page.run("() => rec.adapt(null)")
    assert page.run(PICTURE, encoded(picture()))["row"][4] < 0.99


def test_what_is_no_picture_is_refused_in_words(page):
    told = page.run(PICTURE, base64.b64encode(b"no picture at all").decode())
    assert told["engine"] and "no picture" in told["found"]
    assert page.run(PICTURE, encoded(picture()))["row"], "and the recogniser goes on"


def test_of_frames_that_come_at_once_the_newest_is_next(page):
    answered = page.run("""async () => {
      const frames = Array.from({ length: 5 }, (_, i) => {
        const canvas = new OffscreenCanvas(64, 64);
        const to = canvas.getContext('2d');
        to.fillStyle = `rgb(${40 * i} 0 0)`;
        to.fillRect(0, 0, 64, 64);
        return canvas.transferToImageBitmap();
      });
      const seen = await Promise.all(frames.map((frame, i) => rec.frame(frame, i)));
      return seen.map((one) => one && one.brightness);
    }""")
    assert [one is not None for one in answered] == [True, False, False, False, True]
    assert answered[0] == 0 and answered[4] > 0.1


def test_learning_from_own_examples_is_measured_on_those_held_back(page):
    trained = page.run("""async () => {
      const { labels } = rec.contract;
      const noise = (seed) => Math.abs(Math.sin(seed * 12.9898) * 43758.5453) % 1;
      const examples = ['A', 'B', 'C'].flatMap((label, k) => Array.from({ length: 8 }, (_, n) => ({
        label,
        features: Float32Array.from({ length: 1920 },
          (_, i) => 0.2 * noise(i + 977 * n + 31 * k) + (i % 3 === k ? 1 : 0)),
      })));
      const { before, after, heldBack, head } = await studio.engine.train(examples, labels);
      const few = await studio.engine.train(examples.slice(0, 3), labels).catch((e) => e.found);
      return { before, after, heldBack, few, size: [head.weights.length, head.bias.length] };
    }""")
    assert trained["heldBack"] == 6 and trained["after"] == 1 > trained["before"]
    assert trained["size"] == [960 * 29, 29] and trained["few"] == "examples of 1 label"


def written(folder: Path, files: list[tuple[str, str]]) -> Path:
    for name, content in files:
        (folder / name).write_bytes(base64.b64decode(content))
    return folder


def test_a_last_layer_of_ones_own_becomes_a_bundle_that_is_whole(page, tmp_path):
    """Of the released file: half precision, with a hand crop."""
    numbers = page.run("""() => {
      const { labels } = rec.contract;
      const wave = (i) => Math.sin(i * 12.9898);
      const odd = [65504, 6e-8, -2049, 1e-9, 0.99999];
      const weights = Float32Array.from({ length: 960 * labels.length }, (_, i) => wave(i));
      window.made = { weights, bias: Float32Array.from(labels, (_, k) => odd[k] ?? wave(k)) };
      return [...made.weights, ...made.bias];
    }""")
    folder = written(tmp_path, page.run(f"() => ({BUNDLED})(made)"))
    assert verify(folder).rows == ()
    head = page_model((folder / MODEL_FILES["fp16"]).read_bytes()).head
    np.testing.assert_array_equal(np.frombuffer(head, "<f4"), np.float32(numbers).astype("<f2"))
    made, released = Recogniser.load(folder), Recogniser.load()
    assert (made.labels, made.threshold) == (released.labels, released.threshold)
    assert "adapted_in_a_page" in made.contract.origin
    ours, theirs = made.light_model(), released.light_model()
    differ = np.frombuffer(ours, np.uint8) != np.frombuffer(theirs, np.uint8)
    assert len(ours) == len(theirs) and 50_000 < differ.sum() <= 2 * len(numbers)


def test_signs_learnt_in_the_page_are_read_there_and_by_python_alike(page, tmp_path):
    """Synthetic hands that show 3 and 5 are taught as A and B: nobody signs these so."""
    shown = {"A": "3", "B": "5"}
    hands = [(x, draw(sign, n, (200, 200)).rgb) for x, sign in shown.items() for n in range(8)]
    told = page.run(LEARN_AND_READ, [(label, encoded(rgb)) for label, rgb in hands])
    assert told["heldBack"] == 4 and told["before"] <= 0.25 and told["after"] >= 0.75
    made = Recogniser.load(written(tmp_path, page.run(f"() => ({BUNDLED})(learnt)")))
    answer = made.recognise(hands[0][1])
    assert answer.label == "A"
    np.testing.assert_allclose(answer.probabilities, told["row"], atol=0.02)


def test_no_bundle_is_made_of_another_recognisers_file(page):
    found = page.run("""async () => {
      const { bundle, labels } = rec.contract;
      const [base, bias] = [new URL('./', location.href), new Float32Array(labels.length)];
      const head = { weights: new Float32Array(960 * labels.length), bias };
      const said = [];
      for (const change of [{ sha256: '0' }, { bytes: bundle.file.bytes - 1 }, { undo: [] }]) {
        const other = { ...bundle, file: { ...bundle.file, ...change } };
        const made = studio.engine.bundle(base, { ...rec.contract, bundle: other }, head);
        said.push(await made.then(() => '', (error) => error.found));
      }
      const none = studio.engine.bundle(base, { ...rec.contract, bundle: null }, head);
      return [...said, await none.catch((error) => error.found)];
    }""")
    assert found[:3] == ["another recogniser than this page began with"] * 3
    assert "there is no model file" in found[3]


def test_words_are_proposed_on_the_device(page):
    told = page.run("""async () => {
      const words = await studio.engine.words(new URL('./', location.href), rec.contract);
      const speller = studio.engine.speller(rec.contract);
      const { labels } = rec.contract;
      const seen = (label) => ({ hand: null, motion: null,
        probabilities: Float32Array.from(labels, (x) => Number(x === label)) });
      for (const label of 'HELLO') {
        for (let n = 0; n < 12; n++) {
          speller.step(seen(label), 0.05);
        }
        for (let n = 0; n < 8; n++) {
          speller.step(seen('nothing'), 0.05);
        }
      }
      const told = await words.of(speller);
      words.close();
      return told;
    }""")
    assert told["letters"] == "HELLO" == told["proposals"][0]["word"], told


def test_a_server_that_went_away_is_asked_again(browser, engine_page):
    """The same port again: what a page sees when a server is restarted."""
    app = partial(create_app, Recogniser.load(), static=engine_page)
    with running(app()) as url:
        opened = Page(browser, url)
        opened.run(OPEN, "server")
        assert opened.run(PICTURE, encoded(picture()))["row"]
    opened.wait_for("gone")
    assert "server that" in opened.run(PICTURE, encoded(picture()))["found"]
    from fingerspell.serve import running as module

    port, free = int(url.rpartition(":")[2]), module.open_socket
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "open_socket", lambda host, _: free(host, port))
        with running(app()):
            opened.wait_for("open")
            assert opened.run(PICTURE, encoded(picture()))["row"]
        opened.wait_for("gone")
        with running(app(keys=["another-key-of.sixteen"])):
            opened.wait_for("locked")
            again = "studio.engine.openOnServer(new URL('./', location.href), rec.contract)"
            assert (
                opened.run(f"() => {again}.catch((e) => e instanceof studio.LockedError)") is True
            )
            opened.page.close()


def test_a_folder_on_a_static_host_works_under_a_path(browser, engine_page, tmp_path):
    known = Recogniser.load()
    rules = rules_at(known.labels, known.threshold)
    site = Site(known, rules, on_server=False, static=engine_page)
    write_site(site, tmp_path / "some" / "path")
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    handler.log_message = lambda *_: None  # type: ignore[attr-defined]
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            opened = Page(browser, f"http://127.0.0.1:{server.server_port}/some/path/")
            assert opened.run(OPEN, "wasm") == "wasm"
            assert opened.run(PICTURE, encoded(picture()))["row"]
            assert opened.said == []
            opened.page.close()
        finally:
            server.shutdown()


def test_nothing_listens_and_the_page_says_so(browser, served):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        opened = Page(browser, served)
        found = opened.run(
            """(url) => studio.engine.contract(new URL(url)).catch((e) => e.found)""",
            f"http://127.0.0.1:{closed.getsockname()[1]}/",
        )
    assert "does not answer" in found
    opened.page.close()
