"""prepare, killed for real at any moment: the old data set or the new one, never a mixture."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fingerspell import files
from fingerspell.dataset.manifest import read_manifest, verify
from helpers.killed import SOURCE
from helpers.synthetic_folder import alphabet

KILLS = 24
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from fingerspell.config import PrepareConfig
from fingerspell.prepare.prepare import prepare
config = PrepareConfig(input_dirs=(Path(sys.argv[2]),), output_dir=Path(sys.argv[3]),
                       seed=int(sys.argv[4]), overwrite=True)
print("ready", flush=True)
prepare(config)
"""


def start(pictures: Path, goal: Path, seed: int) -> subprocess.Popen[str]:
    """Starts prepare and returns once its libraries are loaded."""
    call = [sys.executable, "-c", PROGRAM, str(SOURCE), str(pictures), str(goal), str(seed)]
    child = subprocess.Popen(
        call, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8"
    )
    assert child.stdout is not None
    with child.stdout as said:
        assert said.readline() == "ready\n"
    return child


def checked_sha256(goal: Path) -> str:
    """The data set's manifest, once every picture has been hashed again."""
    manifest = read_manifest(goal)
    assert verify(manifest) == len(manifest.samples) == 320
    listed = {sample.path for sample in manifest.samples}
    assert {p.relative_to(goal).as_posix() for p in goal.rglob("*.jpg")} == listed
    return manifest.sha256


@pytest.mark.slow
def test_killed_at_random_moments_the_data_set_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    pictures, goal = alphabet(tmp_path / "hands", "ABCD", runs=20), tmp_path / "sets" / "dataset"
    known, longest_s = {}, 0.0
    for seed in (1, 2, 1):
        child, started_s = start(pictures, goal, seed), time.monotonic()
        assert child.wait() == 0
        longest_s = max(longest_s, time.monotonic() - started_s)
        known[seed] = checked_sha256(goal)
    moments, now, survived = random.Random(0), 1, {"old": 0, "new": 0}
    for _ in range(KILLS):
        child = start(pictures, goal, 3 - now)
        time.sleep(moments.uniform(0, 1.1 * longest_s))
        child.kill()
        child.wait()
        if not goal.exists():  # Between the two renames: the next prepare begins like this.
            files.recover(goal)
        found = checked_sha256(goal)
        assert found in known.values(), "a mixture"
        survived["old" if found == known[now] else "new"] += 1
        now = next(seed for seed, sha256 in known.items() if sha256 == found)
    print(f"{KILLS} kills within {longest_s:.2f} s: {survived}")
    assert survived["old"] > 0
    assert start(pictures, goal, 3 - now).wait() == 0
    assert checked_sha256(goal) == known[3 - now]
    assert not [path for path in goal.parent.iterdir() if path.name.startswith(".")]
