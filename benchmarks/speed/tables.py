"""Tables about speed: an answer, the server, synthetic hands, the loader, a GPU."""

from statistics import median

from benchmarks.tables import Figures, measured_with, percent, read, read_all, rows


def answer_time() -> list[str]:
    """Returns how long an answer takes, with and without the hand crop."""
    figures = read("answer_time")
    ratios = figures["ratios"]
    body = [
        ("with the hand crop, as released", f"{figures['released_ms']:.1f} ms"),
        ("single view of the same weights", f"{figures['single_view_ms']:.1f} ms"),
    ]
    return [
        *rows(("one picture, one thread, half precision", "median"), body),
        "",
        f"{min(ratios):.1f} to {max(ratios):.1f} times as long in {len(ratios)} rounds, measured "
        "in turn.",
        *measured_with(figures),
    ]


def server_load() -> list[str]:
    """Returns what an answer of the server costs, beside a bare loop and on many sockets."""
    figures = read("serve")
    http, shares = figures["rounds"], figures["of_bare"]
    body = [
        ("bare loop: decode, fit, read", "", f"{median(x['bare_ms'] for x in http):.0f} ms"),
        ("HTTP, one after the other", "", f"{median(x['processor_ms'] for x in http):.0f} ms"),
    ]
    if flask_ms := figures.get("flask_ms"):
        body += [("a plain Flask server, the same way", "", f"{median(flask_ms):.0f} ms")]
    if bare := figures.get("bare_on_all_cores"):
        per_s, ms = f"{bare['answers_per_s']:.0f} together", f"{bare['processor_ms']:.0f} ms"
        body += [("bare loops on every core", per_s, ms)]
    body += [
        (
            f"{x['sockets']} sockets, {x['frames_per_s']:g} of the studio's frames a second each, "
            f"{x['dropped']:,} of {x['sent']:,} dropped",
            f"{x['answers_per_s_each']:.2f} ({x['least_answers_per_s']:.2f})",
            f"{x['processor_ms']:.0f} ms",
        )
        for x in figures["loads"]
    ]
    asked, cores = figures["loads"][0], figures["machine"]["cores"]
    bare_ms = median(x["bare_ms"] for x in http)

    def most(ms: float) -> str:
        return f"{1000 * cores / ms:.0f}"

    head = ("", "answers a second each (the least)", "processor time of an answer")
    return [
        *rows(head, body),
        "",
        f"The bare loop takes {percent(min(shares), 0)} to {percent(max(shares), 0)} of the "
        f"server's processor time in {len(shares)} rounds in turn (aimed at: 88 %). By HTTP the "
        f"slowest of a hundred answers comes in {median(x['p99_ms'] for x in http):.0f} ms, the "
        f"first {figures['first_answer_s']:.1f} s after the start. The client shares the cores.",
        *_at_half_load(figures, bare_ms),
        "",
        f"{cores} cores that do nothing but decode, fit and read give {most(bare_ms)} answers a "
        f"second at the bare loop's {bare_ms:.1f} ms, and the server at most "
        f"{most(figures['loads'][0]['processor_ms'])}. {asked['sockets']} sockets of "
        f"{asked['frames_per_s']:g} frames a second ask for "
        f"{asked['sockets'] * asked['frames_per_s']:.0f}: where that is more, frames are dropped. "
        "The studio's frames are smaller than the picture that is posted.",
        *measured_with(figures),
    ]


def _at_half_load(figures: Figures, bare_ms: float) -> list[str]:
    if not (half := figures.get("half_load")):
        return []
    return [
        "",
        f"At half of what the bare loops give, {half['requests_per_s']:.0f} requests a second at "
        f"random times, the slowest of a hundred answers comes in {half['p99_ms']:.0f} ms, "
        f"{half['p99_ms'] / bare_ms:.1f} times the bare loop's (aimed at: 5), the median in "
        f"{half['median_ms']:.0f} ms. With the processor time of an answer by HTTP and nothing "
        f"else a queue before {figures['machine']['cores']} cores has "
        f"{half['queue_p99_ms']:.0f} ms.",
    ]


def server_memory() -> list[str]:
    """Returns the server's memory over minutes of sockets and requests."""
    figures = read("serve_soak")
    memory = figures["memory_mb"]
    return [
        f"{figures['minutes']} rounds, each of 20 new sockets and 600 requests: {memory[0]:.0f} MB "
        f"after the first, {median(memory):.0f} MB in the median, {max(memory):.0f} MB at most, "
        f"{memory[-1]:.0f} MB at the end.",
        *measured_with(figures),
    ]


def synth_speed() -> list[str]:
    """Returns how many synthetic hands one core draws."""
    figures = read("synth_speed")
    return [
        f"{figures['median_pictures_per_core_second']:.0f} pictures of {figures['size_px']} px a "
        f"second on one core, the median of {len(figures['runs'])} repeats.",
        *measured_with(figures),
    ]


def loader() -> list[str]:
    """Returns how many augmented pictures the loader delivers, step by step."""
    figures = read("loader")
    rate = figures["stream"]["one core, 1 thread"]
    keys = ("cpu_best", "cpu_median", "wall_best", "wall_median")
    steps = {**figures["stream"], **figures["steps"]}
    body = [(name, *(f"{row[key]:,.0f}" for key in keys)) for name, row in steps.items()]
    head = (
        "pictures a second",
        "by processor time, best",
        "median",
        "by the clock, best",
        "median",
    )
    lines = [
        f"{figures['pictures']:,} JPEG files of 200 × 200, {figures['mean_file_bytes']:,} bytes "
        f"each, {figures['repeats']} repeats. From file to augmented batch one core gives "
        f"**{rate['cpu_best']:,.0f} pictures a second** at best, {rate['cpu_median']:,.0f} on the "
        f"median; aimed at were {figures['targets']['pictures_per_s']:,}.",
        "",
        *rows(head, body),
    ]
    if step := figures.get("training_step"):
        lines += [
            "",
            f"A step of training on {step['batch_size']} pictures takes "
            f"{step['step_cpu_s']:.2f} s of processor time ({step['backend']}), loading them "
            f"{step['loading_cpu_s']:.3f} s: {percent(step['loading_share'])} of both.",
        ]
    return [*lines, *measured_with(figures)]


def gpu() -> list[str]:
    """Returns training steps on a GPU under each backend that was measured."""
    lines: list[str] = []
    for figures in read_all("gpu_"):
        lines += [*gpu_of(figures), *measured_with(figures), ""]
    return lines or ["Not measured: no GPU was at hand, and no figure stands in its place."]


def gpu_of(figures: Figures) -> list[str]:
    """Returns the table of one backend."""
    bounds = ", ".join(
        f"{one['flops_per_s'] / 1e12:.1f} TFLOP/s in {one['dtype']}" for one in figures["matmul"]
    )
    lines = [
        f"{', '.join(figures['gpus'])} under {figures['backend']}; a matrix product reaches "
        f"{bounds}, the bound that shares are of.",
        "",
        *rows(
            ("", "batch", "pictures/s", "a step", "peak memory", "of the bound"),
            map(_gpu_row, figures["rows"]),
        ),
    ]
    if aim := figures["target"]:
        lines += [
            "",
            f"Aimed at was a peak of {aim['peak_bytes'] / 1e9:.1f} GB at batch "
            f"{aim['batch_size']} in mixed precision: {'reached' if aim['reached'] else 'missed'}.",
        ]
    return lines


def _gpu_row(row: Figures) -> tuple[str, ...]:
    cap = f", {row['cap_bytes'] / 2**30:.0f} GiB at most" if "cap_bytes" in row else ""
    start = (row["policy"] + cap, str(row["batch_size"]))
    if row.get("out_of_memory"):
        return (*start, "out of memory", "", "", "")
    return (
        *start, f"{row['pictures_per_s']:,.0f}", f"{row['step_ms']:.1f} ms",
        f"{row['peak_bytes'] / 1e9:.2f} GB", percent(row.get("share_of_bound")),
    )  # fmt: skip


BLOCKS = {
    "server_load": server_load,
    "server_memory": server_memory,
    "answer_time": answer_time,
    "synth_speed": synth_speed,
    "loader": loader,
    "gpu": gpu,
}
