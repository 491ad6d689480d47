"""Tables about the exports beside the trained network, and about the studio in a browser."""

from collections.abc import Callable

from benchmarks.tables import Figures, measured_with, percent, read, rows


def _points(found: Figures) -> str:
    return f"{found['lost']:+.2f}; {found['worst_class_lost']:+.1f}"


def _times(cost: Figures, threads: int) -> str:
    found = cost[f"threads_{threads}"]
    return f"{found['p50_ms']:.1f}; {found['p95_ms']:.1f}"


def exports() -> list[str]:
    """Returns how each export answers beside `model.keras`, and what each costs."""
    figures = read("exports")
    body = [
        (name, percent(x["agreement"]), f"{x['max_difference']:.0e}", _points(x))
        for name, x in figures["exports"].items()
    ]
    pictures = next(iter(figures["exports"].values()))["pictures"]
    costs = [
        (
            name,
            f"{x['size_bytes'] / 1e6:.1f}",
            *((_times(x, 1), _times(x, 2), f"{x['memory_mb']:.0f}") if "memory_mb" in x else "–––"),
        )
        for name, x in figures["cost"].items()
    ]
    head = (f"of {pictures:,} pictures of unseen signers", "same class", "probability off by",
            "points lost; in the worst class")  # fmt: skip
    return [
        *rows(head, body),
        "",
        *rows(("file", "MB", "1 thread: ms, p95", "2 threads: ms, p95", "memory, MB"), costs),
        *measured_with(figures),
    ]


def studio() -> list[str]:
    """Returns what the studio's engine does in headless Chromium, beside what it was to reach."""
    found = read("studio")
    camera, memory = found["camera"], found["memory"]
    grown = {k: memory["after_bytes"][k] - memory["before_bytes"][k] for k in ("wasm", "page")}
    tensor, scaled = found["same_tensor"], found["own_scaling"]
    rounds = [one["processor_ms_a_frame_chromium"] for one in found["rounds"]]
    tasks = found["longest_page_tasks_ms"]
    body = (
        ("same tensor, page against Python", f"{tensor['probability_max']:.0e}, same class "
         f"{percent(tensor['same_class'], 0)}", "1e-4, 100 %"),
        ("own decoding and scaling", f"{scaled['probability_max']:.0e}", "1e-3"),
        ("frames a second", f"{camera['frames_a_second']:.1f}", "15"),
        ("milliseconds from frame to answer, median; p95",
         f"{camera['ms_median']:.0f}; {camera['ms_p95']:.0f}", "–"),
        ("processor time a frame: all of Chromium; the page alone",
         f"{camera['processor_ms_a_frame_chromium']:.0f} ms; "
         f"{camera['processor_ms_a_frame_page']:.0f} ms", "60 ms"),
        (f"… in the quickest and slowest of {len(rounds)} rounds",
         f"{min(rounds):.0f} to {max(rounds):.0f} ms", "–"),
        (f"longest task of the page's thread, {len(tasks)} times opened",
         f"{max(tasks):.0f} ms" if max(tasks) else "below 50 ms", "100 ms"),
        ("first answer, on loopback", f"{found['first_answer_s']:.1f} s", "2.5 s"),
        ("own scripts", f"{found['own_scripts_bytes'] / 1000:.0f} kB", "100 kB"),
        ("runtime and model, with brotli", f"{found['brotli_sum_bytes'] / 1e6:.1f} MB", "7.5 MB"),
        (f"growth over {memory['frames']:,} frames: WebAssembly; JavaScript",
         f"{grown['wasm'] / 1e6:.1f} MB; {grown['page'] / 1e6:+.1f} MB", "0; 5 MB"),
    )  # fmt: skip
    return [*rows(("of the released recogniser", "found", "aim"), body), *measured_with(found)]


BLOCKS: dict[str, Callable[[], list[str]]] = {"exports": exports, "studio": studio}
