"""How many answers does the server give, and what does a bare loop of the same work give?

    python benchmarks/speed/serve.py

In one run, in turn: a bare loop of decoding, fitting and reading in this process; the server,
started as a user starts it, by HTTP, one request after the other; a plain Flask server in the same
way, where Flask is installed (`pip install flask`); bare loops on every core at once, which say
what there is to give; HTTP requests at half of that, at random times; then WebSockets, which ask
and send as the studio's page does: 20 at 5 frames a second, 200 at 1 frame a second. Processor time
is that of the measured process alone, without the client's. Saves `benchmarks/results/serve.json`.

    python benchmarks/speed/serve.py --soak_min 30

Memory under sockets and requests that come and go, in rounds of a minute or, where the machine is
slow, somewhat more. Saves `serve_soak.json`.
"""

import argparse
import asyncio
import heapq
import json
import random
import statistics
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx2 as httpx
import psutil
from websockets.asyncio.client import connect

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.circumstances import record

ROUNDS = 5
REQUESTS = 200
SIDE_PX, FRAME_PX = 640, 320
"""Sides of the picture that is posted, and of a frame as the studio's page sends it."""

SOCKETS = ((20, 5.0), (200, 1.0))
"""How many sockets, and the frames a second that each sends."""

SOCKETS_S = 20.0
SEED = 3


def picture(side_px: int, quality: int) -> bytes:
    """Returns a synthetic hand as a square JPEG."""
    from fingerspell.images import encode_jpeg
    from fingerspell.synth import draw

    return encode_jpeg(draw("L", SEED, (side_px, side_px)).rgb, quality)


OURS = ("-m", "fingerspell", "serve", "--bundle", "starter", "--port", "0")
FLASK = ("-u", str(Path(__file__).with_name("flask_server.py")))


@contextmanager
def server(*command: str) -> Iterator[tuple[str, psutil.Process, float]]:
    """Starts a server; gives its address, its process, and the seconds to its first answer."""
    started_s = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        address = next(x for line in process.stdout or () for x in line.split() if "://127" in x)
        address = address.rstrip("/.,")
        # A full pipe would stop the server.
        threading.Thread(target=lambda: deque(process.stdout or (), maxlen=0), daemon=True).start()
        httpx.get(f"{address}/health").raise_for_status()
        yield address, psutil.Process(process.pid), time.perf_counter() - started_s
    finally:
        process.terminate()
        process.wait(15)


def spent_s(process: psutil.Process) -> float:
    """Returns a process's processor time so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def bare_ms(content: bytes) -> float:
    """Returns the processor time of an answer without a server, in milliseconds."""
    from fingerspell.images import decode, fit
    from fingerspell.runtime import Recogniser

    recogniser, own = Recogniser.load(), psutil.Process()
    started_s = spent_s(own)
    for _ in range(REQUESTS):
        recogniser.probabilities(fit(decode(content), recogniser.size_px)[None])
    return 1000 * (spent_s(own) - started_s) / REQUESTS


def bare_on_all_cores(content: bytes) -> dict[str, float]:
    """Returns answers a second of bare loops on every core at once, and the time of one."""
    from fingerspell.images import decode, fit
    from fingerspell.machine import usable_cores
    from fingerspell.runtime import Recogniser

    recogniser, own, cores = Recogniser.load(), psutil.Process(), usable_cores()

    def loop() -> None:
        for _ in range(REQUESTS):
            recogniser.probabilities(fit(decode(content), recogniser.size_px)[None])

    started_s, clock_s = spent_s(own), time.perf_counter()
    loops = [threading.Thread(target=loop) for _ in range(cores)]
    for one in loops:
        one.start()
    for one in loops:
        one.join()
    answers = cores * REQUESTS
    return {
        "answers_per_s": answers / (time.perf_counter() - clock_s),
        "processor_ms": 1000 * (spent_s(own) - started_s) / answers,
    }


def flask_server() -> AbstractContextManager[tuple[str, psutil.Process, float] | None]:
    """Starts the Flask server, where Flask is installed."""
    if find_spec("flask") is None:
        print("the Flask server is left out: pip install flask", file=sys.stderr)
        return nullcontext(None)
    return server(*FLASK)


def over_http(address: str, process: psutil.Process, content: bytes) -> dict[str, float]:
    """Returns processor time of an answer and times by the clock, one request after the other."""
    taken, started_s = [], spent_s(process)
    with httpx.Client() as client:
        for _ in range(REQUESTS):
            sent_s = time.perf_counter()
            client.post(f"{address}/predict-image", content=content).raise_for_status()
            taken.append(1000 * (time.perf_counter() - sent_s))
    taken.sort()
    return {
        "processor_ms": 1000 * (spent_s(process) - started_s) / REQUESTS,
        "median_ms": statistics.median(taken),
        "p99_ms": taken[int(0.99 * len(taken))],
    }


def arrivals_s(per_s: float) -> Iterator[float]:
    """Returns when requests come within `SOCKETS_S`, at random, `per_s` of them in the mean."""
    draw, at_s = random.Random(SEED), 0.0
    while (at_s := at_s + draw.expovariate(per_s)) < SOCKETS_S:
        yield at_s


def p99_of_a_queue(per_s: float, answer_s: float, cores: int) -> float:
    """Returns the time, ms, of the slowest of a hundred where an answer keeps one core busy."""
    free_s, taken = [0.0] * cores, []
    for at_s in arrivals_s(per_s):
        begun_s = max(at_s, heapq.heappop(free_s))
        heapq.heappush(free_s, begun_s + answer_s)
        taken.append(1000 * (begun_s + answer_s - at_s))
    return sorted(taken)[int(0.99 * len(taken))]


async def at_random_times(address: str, content: bytes, per_s: float) -> dict[str, float]:
    """Returns times by the clock of requests at random times, `per_s` of them in the mean.

    A time counts from when a request was due: one that waits for those before it is slow. Bytes on
    connections that are kept: a client such as httpx takes a third of what the server does.
    """
    begun_s, taken = time.perf_counter(), list[float]()
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    host, port = address.rpartition("/")[2].split(":")
    head = f"POST /predict-image HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(content)}\r\n\r\n"

    async def ask(due_s: float) -> None:
        reader, writer = idle.pop() if idle else await asyncio.open_connection(host, int(port))
        writer.write(head.encode() + content)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        if not answer.startswith(b"http/1.1 200"):
            raise RuntimeError(answer)
        await reader.readexactly(int(answer.split(b"content-length:")[1].split(b"\r\n")[0]))
        taken.append(1000 * (time.perf_counter() - due_s))
        idle.append((reader, writer))

    async with asyncio.TaskGroup() as requests:
        for at_s in arrivals_s(per_s):
            await asyncio.sleep(max(0.0, begun_s + at_s - time.perf_counter()))
            requests.create_task(ask(begun_s + at_s))
    for _, writer in idle:
        writer.close()
    taken.sort()
    return {
        "requests": len(taken),
        "requests_per_s": per_s,
        "median_ms": statistics.median(taken),
        "p99_ms": taken[int(0.99 * len(taken))],
    }


async def one_socket(address: str, content: bytes, per_s: float, until_s: float) -> list[int]:
    """Sends frames until `until_s`; returns how many were sent, answered and dropped."""
    sent = answered = dropped = 0
    url = f"{address.replace('http', 'ws', 1)}/v1/stream?words=0&top=29"
    async with connect(url) as socket:
        await socket.recv()

        async def listen() -> None:
            nonlocal answered, dropped
            async for message in socket:
                told = json.loads(message)
                answered += told["type"] == "answer"
                dropped += told.get("dropped", 0)

        ears = asyncio.create_task(listen())
        while time.perf_counter() < until_s:
            await socket.send(content)
            sent += 1
            await asyncio.sleep(1 / per_s)
        await asyncio.sleep(1.0)
        ears.cancel()
    return [sent, answered, dropped]


async def sockets(address: str, process: psutil.Process, content: bytes, many: int, per_s: float
                  ) -> dict[str, Any]:  # fmt: skip
    """Returns what so many sockets sent and got, together and the least served of them."""
    started_s, until_s = spent_s(process), time.perf_counter() + SOCKETS_S
    each = await asyncio.gather(
        *(one_socket(address, content, per_s, until_s) for _ in range(many))
    )
    answered = [x[1] for x in each]
    return {
        "sockets": many,
        "frames_per_s": per_s,
        "sent": sum(x[0] for x in each),
        "answered": sum(answered),
        "dropped": sum(x[2] for x in each),
        "answers_per_s_each": sum(answered) / many / SOCKETS_S,
        "least_answers_per_s": min(answered) / SOCKETS_S,
        "processor_ms": 1000 * (spent_s(process) - started_s) / max(1, sum(answered)),
        "memory_mb": process.memory_info().rss / 1e6,
    }


def measured() -> dict[str, Any]:
    """Returns the whole measurement."""
    from fingerspell.machine import usable_cores

    content, frame = picture(SIDE_PX, 85), picture(FRAME_PX, 90)
    with server(*OURS) as (address, process, first_s):
        over_http(address, process, content)  # The first answers warm it up.
        rounds, flask_ms = [], []
        with flask_server() as other:
            for _ in range(ROUNDS):
                rounds.append({"bare_ms": bare_ms(content), **over_http(address, process, content)})
                if other is not None:
                    flask_ms.append(over_http(*other[:2], content)["processor_ms"])
        bare = bare_on_all_cores(content)
        per_s = bare["answers_per_s"] / 2
        half = asyncio.run(at_random_times(address, content, per_s))
        own_s = statistics.median(x["processor_ms"] for x in rounds) / 1000
        half["queue_p99_ms"] = p99_of_a_queue(per_s, own_s, usable_cores())
        loads = [
            asyncio.run(sockets(address, process, frame, many, per_s)) for many, per_s in SOCKETS
        ]
    return {
        "picture_bytes": len(content),
        "frame_bytes": len(frame),
        "first_answer_s": first_s,
        "rounds": rounds,
        "of_bare": [round(x["bare_ms"] / x["processor_ms"], 3) for x in rounds],
        "flask_ms": flask_ms,
        "bare_on_all_cores": bare,
        "half_load": half,
        "loads": loads,
    }


def soaked(minutes: int) -> dict[str, Any]:
    """Returns the server's memory after each round of 20 new sockets and 600 requests."""
    content, frame, memory_mb = picture(SIDE_PX, 85), picture(FRAME_PX, 90), []
    with server(*OURS) as (address, process, _):
        for _ in range(minutes):
            until_s = time.perf_counter() + 60
            asyncio.run(sockets(address, process, frame, 20, 1.0))
            with httpx.Client() as client:
                for _ in range(600):
                    client.post(f"{address}/predict-image", content=content).raise_for_status()
            time.sleep(max(0.0, until_s - time.perf_counter()))
            memory_mb.append(process.memory_info().rss / 1e6)
            print(f"{memory_mb[-1]:.0f} MB", file=sys.stderr)
    return {"minutes": minutes, "memory_mb": memory_mb}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--soak_min", type=int, metavar="MINUTES", help="memory over this long")
    if soak_min := parser.parse_args().soak_min:
        print(f"saved {record('serve_soak', 'speed/serve', None, soaked(soak_min))}")
    else:
        print(f"saved {record('serve', 'speed/serve', None, measured())}")
