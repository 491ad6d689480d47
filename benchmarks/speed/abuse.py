"""Tries to knock the server over: no crash, one error shape, nothing stuck, flat memory?

    python benchmarks/speed/abuse.py

Starts the server as a user does, on a copy of the released recogniser that is replaced every few
seconds, and sends it mutated pictures of every format (by `--seed`), bombs, requests that never
end, floods of frames on sockets that are then killed, and, where schemathesis is installed
(`pip install schemathesis`), whatever `/openapi.json` allows and forbids. Ends with 1 and a list
where an answer was a 5xx but 503, had another error shape or took too long, or where something is
left in the server afterwards.
"""

import argparse
import asyncio
import base64
import collections
import io
import json
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx2 as httpx
import numpy as np
from PIL import Image
from websockets.asyncio.client import connect

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.speed.serve import server

FORMATS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("WEBP", {}), ("BMP", {}),
    ("GIF", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("AVIF", {}),
)  # fmt: skip
SIDE_PX = 160
LONGEST_S = 30.0
RELOAD_S = 0.5


def originals() -> list[bytes]:
    """Returns a synthetic hand in every format."""
    from fingerspell.synth import draw

    image = Image.fromarray(draw("L", 3, (SIDE_PX, SIDE_PX)).rgb)
    files = []
    for kind, how in FORMATS:
        file = io.BytesIO()
        image.save(file, kind, **how)
        files.append(file.getvalue())
    return files


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Returns a file with some bytes changed, cut off, doubled, put in or made a large number."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        at = rng.randrange(min(len(changed), rng.choice((64, 512, len(changed)))) or 1)
        piece = changed[at : at + rng.randrange(1, 200)]
        match rng.randrange(6):
            case 0:
                changed[at : at + 1] = rng.randbytes(1)
            case 1:
                changed[at : at + 4] = rng.choice(
                    (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\xff\xff")
                )
            case 2:
                del changed[at:]
            case 3:
                changed[at:at] = piece * rng.choice((1, 2, 50))
            case 4:
                changed[at:at] = bytes(rng.randrange(1, 5000))
            case _:
                del changed[at : at + len(piece)]
        if not changed:
            break
    return bytes(changed)


def bombs() -> Iterator[bytes]:
    """Gives small files that stand for very much."""
    file = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(file, "PNG")
    yield file.getvalue()
    file = io.BytesIO()
    Image.fromarray(np.zeros((4000, 4000, 3), np.uint8)).save(file, "JPEG", progressive=True)
    jpeg = file.getvalue()
    scan = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    yield jpeg[:-2] + scan * 2000 + jpeg[-2:]
    yield b"\xff\xd8" + b"\xff\xfe\x00\x02" * 500_000
    yield b'{"images": [' + b"[]," * 2_000_000
    yield b'{"image":"' + b"\\u0041" * 1_000_000 + b'"}'


class Findings:
    """What went wrong, and how often what was answered."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.answers: collections.Counter[object] = collections.Counter()

    def check(self, what: str, answer: httpx.Response, seconds: float) -> None:
        """Notes an answer, and what is wrong with it."""
        self.answers[answer.status_code] += 1
        if answer.status_code >= 500 and answer.status_code != 503:
            self.wrong.append(f"{what}: {answer.status_code} {answer.text[:200]}")
        if answer.status_code >= 400 and set(answer.json()) != {
            "error",
            "found",
            "expected",
            "fix",
        }:
            self.wrong.append(f"{what}: another shape {answer.text[:200]}")
        if seconds > LONGEST_S:
            self.wrong.append(f"{what}: {seconds:.0f} s")


def send(client: httpx.Client, way: int, data: bytes) -> httpx.Response:
    """Sends a picture in one of the ways that there are."""
    text = base64.b64encode(data).decode()
    ways: tuple[dict[str, Any], ...] = (
        {"content": data}, {"files": {"image": data}}, {"json": {"image_base64": text}},
        {"data": {"image": text, "session_id": "abuse"}},
    )  # fmt: skip
    if way == len(ways):
        return client.post("/v1/predict", json={"images": [text] * 3})
    return client.post("/predict-image", **ways[way])


def upload_all(address: str, files: list[bytes], count: int, seed: int, found: Findings) -> None:
    """Sends mutated pictures from four clients at once."""

    def some(first: int) -> None:
        with httpx.Client(base_url=address, timeout=2 * LONGEST_S) as client:
            for number in range(first, count, 4):
                rng = random.Random(f"{seed} {number}")
                name, data = f"upload {number}", mutated(rng.choice(files), rng)
                started_s = time.perf_counter()
                try:
                    answer = send(client, rng.randrange(5), data)
                except httpx.HTTPError as error:
                    found.wrong.append(f"{name}: {error!r}")
                    continue
                found.check(name, answer, time.perf_counter() - started_s)

    with ThreadPoolExecutor(4) as clients:
        for done in [clients.submit(some, first) for first in range(4)]:
            done.result()


async def flood(address: str, files: list[bytes], seed: int, seconds: float) -> None:
    """Sends frames, whole and mutated, as fast as a socket takes them, and kills the socket."""
    rng = random.Random(f"flood {seed}")
    socket = await connect(f"{address.replace('http', 'ws', 1)}/v1/stream")
    until_s = time.perf_counter() + rng.uniform(0.2, 1) * seconds
    while time.perf_counter() < until_s:
        data = rng.choice(files)
        await socket.send(rng.choice((data, mutated(data, rng), '{"type": "undo"}', "{", b"")))
        await asyncio.sleep(0)
    socket.transport.abort()


def half_open(address: str, count: int) -> list[socket.socket]:
    """Opens connections whose requests never come to their end."""
    host, port = address.rpartition("/")[2].split(":")
    opened = []
    for number in range(count):
        one = socket.create_connection((host, int(port)), timeout=10)
        one.sendall(
            b"POST /predict-image HTTP/1.1\r\nHost: localhost\r\n"
            + b"Content-Length: 5000000\r\n\r\nxx" * (number % 2)
        )
        opened.append(one)
    return opened


def left_over(address: str) -> list[str]:
    """Returns what is still under way in a server that has nothing to do."""
    text = httpx.get(f"{address}/metrics", timeout=LONGEST_S).text
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    names = ("streams", "waiting", "computing", "held_bytes")
    return [f"{x}={v}" for x in names if (v := float(lines[f"fingerspell_{x}"]))]


def peak_mb(pid: int) -> float:
    """Returns the most memory that a process had; NaN where the system (all but Linux) keeps none.

    From `VmHWM` in kB, https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
    """
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next(
        (round(int(x.split()[1]) * 1024 / 1e6) for x in lines if x.startswith("VmHWM")),
        float("nan"),
    )


def by_schema(address: str, found: Findings) -> None:
    """Lets schemathesis send what the description allows, and what it forbids."""
    if find_spec("schemathesis") is None:
        print("schemathesis is left out: pip install schemathesis", file=sys.stderr)
        return
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{address}/openapi.json",
               "--checks", "not_a_server_error,response_schema_conformance,"
               "content_type_conformance,status_code_conformance", "--max-examples", "40",
               "--request-timeout", str(LONGEST_S), "--no-color"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    found.answers["schemathesis", done.returncode] += 1
    if done.returncode:
        found.wrong.append(done.stdout[-6000:] + done.stderr[-2000:])


def main(uploads: int, seed: int) -> int:
    """Runs everything; returns 1 where something went wrong."""
    from fingerspell.assets import STARTER

    found, files, stop = Findings(), originals(), threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        bundle = shutil.copytree(STARTER, Path(folder, "bundle"))
        contract = json.loads((bundle / "recogniser.json").read_text(encoding="utf-8"))

        def swaps() -> None:
            number = 0
            while not stop.wait(6 * RELOAD_S):
                number += 1
                contract["threshold"] = 0.5 + 0.01 * (number % 40)
                text = json.dumps(contract) if number % 5 else "{"
                (bundle / "recogniser.json").write_text(text, encoding="utf-8")

        with server("-m", "fingerspell", "serve", "--model", str(bundle), "--port", "0",
                    "--reload_s", str(RELOAD_S)) as (address, process, _):  # fmt: skip
            upload_all(address, files, 200, seed + 1, found)
            memory_mb: dict[str, float] = {}

            def weigh(when: str) -> None:
                memory_mb[when] = round(process.memory_info().rss / 1e6)

            weigh("at first")
            swapper = threading.Thread(target=swaps)
            swapper.start()
            try:
                upload_all(address, files, uploads, seed, found)
                weigh("after the uploads")
                for number, bomb in enumerate(bombs()):
                    started_s = time.perf_counter()
                    answer = httpx.post(f"{address}/predict-image", content=bomb, timeout=90)
                    found.check(f"bomb {number}", answer, time.perf_counter() - started_s)
                weigh("after the bombs")
                opened = half_open(address, 400)

                async def floods() -> None:
                    await asyncio.gather(
                        *(flood(address, files, x, 10) for x in range(40)), return_exceptions=True
                    )

                asyncio.run(floods())
                for one in opened:
                    one.close()
                weigh("after the floods")
                by_schema(address, found)
            finally:
                stop.set()
                swapper.join()
            time.sleep(5)
            found.wrong += left_over(address)
            weigh("at last")
            memory_mb["at most"] = peak_mb(process.pid)
            started_s = time.perf_counter()
            found.check("at last", httpx.post(f"{address}/predict-image", content=files[0]),
                        time.perf_counter() - started_s)  # fmt: skip
            swapped = [x for x in httpx.get(f"{address}/metrics").text.splitlines()
                       if x.startswith("fingerspell_model_swaps_total")]  # fmt: skip
    print(dict(found.answers), *swapped, f"MB of memory: {memory_mb}", sep="\n")
    print(*found.wrong, sep="\n")
    print(f"{len(found.wrong)} findings")
    return int(bool(found.wrong))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--uploads", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    raise SystemExit(main(options.uploads, options.seed))
