"""The engine's page, second part: what the loader, a processor and a GPU do in a second."""

from __future__ import annotations

from typing import Any

from page_parts import Figures, percent


def loader(figures: Figures) -> list[str]:
    """Returns what `loader.py` measured."""
    rate = figures["stream"]["one core, 1 thread"]
    lines = [
        f"{figures['pictures']:,} JPEG files of 200 × 200, {figures['mean_file_bytes']:,} bytes "
        f"each, {figures['repeats']} repeats. From file to augmented batch one core gives "
        f"**{rate['cpu_best']:,.0f} pictures a second** at best, {rate['cpu_median']:,.0f} on the "
        f"median; aimed at were {figures['targets']['pictures_per_s']:,}.",
        "",
        "| pictures a second | by processor time, best | median | by the clock, best | median |",
        "|---|---|---|---|---|",
    ]
    for name, row in (*figures["stream"].items(), *figures["steps"].items()):
        cells = (row[key] for key in ("cpu_best", "cpu_median", "wall_best", "wall_median"))
        lines.append(f"| {name} | {' | '.join(f'{cell:,.0f}' for cell in cells)} |")
    if step := figures.get("training_step"):
        lines += [
            "",
            f"A step of training on {step['batch_size']} pictures takes "
            f"{step['step_cpu_s']:.2f} s of processor time ({step['backend']}), loading them "
            f"{step['loading_cpu_s']:.3f} s: {percent(step['loading_share'])} of both.",
        ]
    return lines


def processor(figures: Figures) -> list[str]:
    """Returns what `processor.py` measured: oneDNN's kernels off and on."""
    adapt = figures["adapt"]
    lines = [
        "TensorFlow takes oneDNN's kernels by itself only where a processor has AVX-512 VNNI or "
        "the like; `fingerspell` takes them everywhere ([record 14](../adr/0014-onednn.md)). This "
        "processor has not. Steps of MobileNetV3Large, the whole of it learning, "
        f"{figures['batch_size']} pictures at once; each figure a process of its own, off and on "
        "in turn.",
        "",
        "| side | BatchNormalization | off, pictures/s | on, pictures/s | times as fast: middle, "
        "least, most | page faults a picture, off | on |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in figures["steps"]:
        rates, faults = row["pictures_per_s"], row["page_faults_per_picture"]
        cells = [
            f"{row['size_px']} px",
            row["batchnorm"],
            *(", ".join(f"{rate:.1f}" for rate in rates[name]) for name in ("off", "on")),
            f"{row['times_as_fast']:.1f}, {row['least']:.1f}, {row['most']:.1f}",
            *(f"{faults[name]:,.0f}" for name in ("off", "on")),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    off, on = adapt["off"], adapt["on"]
    return [
        *lines,
        "",
        f"`fingerspell adapt` whole, {adapt['count']} pictures a class of `{adapt['source']}`: "
        f"{off['wall_s']:.0f} s off, {on['wall_s']:.0f} s on; peak memory "
        f"{off['peak_bytes'] / 1e9:.1f} and {on['peak_bytes'] / 1e9:.1f} GB.",
    ]


def gpu(figures: Figures) -> list[str]:
    """Returns what `gpu.py` measured under one backend."""
    bounds = ", ".join(
        f"{one['flops_per_s'] / 1e12:.1f} TFLOP/s in {one['dtype']}" for one in figures["matmul"]
    )
    lines = [
        f"{', '.join(figures['gpus'])} under {figures['backend']}; a matrix product reaches "
        f"{bounds}, which is the bound that shares are of.",
        "",
        "| | batch | pictures/s | a step | peak memory | of the bound |",
        "|---|---|---|---|---|---|",
        *(_row(row, "") for row in figures["rows"]),
        *(_row(row, ", under a cap of 6 GiB") for row in figures["capped"]),
    ]
    if figures["target"]:
        lines += [
            "",
            f"Aimed at was a peak of {figures['target']['peak_bytes'] / 1e9:.1f} GB at batch "
            f"{figures['target']['batch_size']} in mixed precision: "
            f"{'reached' if figures['target']['reached'] else 'missed'}.",
        ]
    return lines


def _row(row: dict[str, Any], how: str) -> str:
    start = f"| {row['policy']}{how} | {row['batch_size']} |"
    if row.get("out_of_memory"):
        return f"{start} out of memory | | | |"
    share = percent(row["share_of_bound"]) if "share_of_bound" in row else "–"
    return (
        f"{start} {row['pictures_per_s']:,.0f} | {row['step_ms']:.1f} ms | "
        f"{row['peak_bytes'] / 1e9:.2f} GB | {share} |"
    )
