"""Tables about `fingerspell prepare`: cost, near-duplicate search, groups, copies, damage."""

from benchmarks.tables import measured_with, megabytes, percent, read, rows


def speed() -> list[str]:
    """Returns the cost of preparing, beside what people use instead."""
    figures = read("prepare_speed")
    body = []
    for name, row in figures["contenders"].items():
        if "absent" in row:
            body.append((name, "not installed", "", "", ""))
            continue
        hashed = row.get("validate_hash_s")
        body.append(
            (
                name, f"{row['wall_s']:.1f} s", f"{row['cpu_s']:.1f} s",
                megabytes(row["peak_bytes"]), f"{hashed:.1f} s" if hashed else "–",
            )
        )  # fmt: skip
    faster, aims = figures["times_faster"], figures["targets"]
    head = ("", "wall", "processor", "peak memory", "until all are hashed")
    return [
        f"{figures['pictures']:,} pictures of 200 px, {figures['mean_file_bytes']:,} bytes each:",
        "",
        *rows(head, body),
        "",
        f"Against the best of the others: {faster['validate_hash']:.1f} times as fast at decoding "
        f"and hashing, {faster['whole']:.1f} times over the whole. Aimed at were "
        f"{aims['wall_s']:.0f} s, {megabytes(aims['peak_bytes'])} and "
        f"{aims['times_faster']:.0f} times.",
        *measured_with(figures),
    ]


def search() -> list[str]:
    """Returns the cost of the near-duplicate search alone."""
    figures = read("prepare_search")
    body = [
        (
            f"{row['hashes']:,}", f"{row['search_s'] + row['connect_s']:.1f} s",
            f"{row['cpu_s']:.1f} s", megabytes(row["peak_bytes"]), f"{row['groups']:,}",
            f"{row['tables']['true_groups']:,} groups, {row['every_pair_s']:.0f} s"
            if "tables" in row else "–",
        )
        for row in figures["sizes"]
    ]  # fmt: skip
    head = (
        "hashes of one class and source", "wall", "processor", "peak memory", "groups",
        "by comparing every pair",
    )  # fmt: skip
    return [*rows(head, body), *measured_with(figures)]


def recall() -> list[str]:
    """Returns how well groups follow known runs, at the shipped `near_bits`."""
    figures = read("prepare_recall")
    body = []
    for name, by_bits in figures["sources"].items():
        row = by_bits["18"]
        merged = f"{row['merged']:,} of {row['pairs']:,}" if row.get("pairs") else "–"
        count = f"{row['groups']['all']:,}"
        body.append((name, percent(row.get("neighbours")), merged, count, f"{row['pictures']:,}"))
    head = ("", "neighbours", "merged", "groups", "pictures")
    return [*rows(head, body), *measured_with(figures)]


def twins() -> list[str]:
    """Returns how many copies in other sources are found, and how many unrelated pairs."""
    figures = read("prepare_twins")
    bits = str(figures["twin_bits"])
    apart, black = figures["sources"], figures["hands on black"]
    copies = [(how, percent(found[bits])) for how, found in figures["copies"].items()]
    return [
        f"Across sources two pictures of a class are joined at {bits} bits. Of "
        f"{apart['pairs']:,} pairs of pictures in two unrelated sources {apart['near'][bits]:,} "
        f"are that near; of {black['pairs']:,} pairs of two people's hands cut out on black, "
        f"{black['near'][bits]:,}.",
        "",
        *rows(("pictures scaled and saved again", "found"), copies),
        *measured_with(figures),
    ]


def damage() -> list[str]:
    """Returns what became of damaged files."""
    figures = read("prepare_damage")
    return [
        f"{figures['files']:,} files with flipped bits, cut off, wrongly named, claiming absurd "
        f"sizes or empty, of every format: {figures['listed']:,} listed with a reason, "
        f"{figures['accepted']:,} still decode and were taken. Not decodable and yet not listed: "
        f"{figures['undecodable_but_not_listed']:,}; sound pictures listed: "
        f"{figures['good_listed']:,}. Peak memory {megabytes(figures['peak_bytes'])}, with sound "
        "pictures of 49 million pixels among them.",
        *measured_with(figures),
    ]


BLOCKS = {
    "preparing_speed": speed,
    "preparing_search": search,
    "preparing_recall": recall,
    "preparing_twins": twins,
    "preparing_damage": damage,
}
