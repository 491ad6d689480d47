"""Settings of `prepare`: input folders, split, near duplicates, groups, hold-outs."""

from dataclasses import dataclass
from pathlib import Path

from fingerspell.errors import checks_of, require, require_one_of, require_seed

SPLIT_RULES = ("groups", "random")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareConfig:
    """How a folder of class-sorted pictures becomes a checked data set.

    `near_bits` is the largest number of differing hash bits (of 128) at which two pictures of one
    class count as near duplicates; measured in docs/adr/0002-near-duplicate-hash.md.
    Ready-made splits are kept unless `resplit` is set. `group_by` is a pattern that captures a
    picture's group, or `source`; `groups_csv` a table. Nothing is trained on `holdout_sources`.
    """

    input_dirs: tuple[Path, ...]
    output_dir: Path
    train_share: float = 0.70
    val_share: float = 0.15
    test_share: float = 0.15
    seed: int = 42
    split: str = "groups"
    near_bits: int = 18
    max_bad_share: float = 0.01
    resplit: bool = False
    group_by: str = ""
    groups_csv: Path | None = None
    holdout_sources: tuple[str, ...] = ()
    overwrite: bool = False

    @property
    def shares(self) -> tuple[float, float, float]:
        """Returns the shares of train, val and test."""
        return self.train_share, self.val_share, self.test_share

    def __post_init__(self) -> None:
        check = checks_of(self)
        require(
            all(s > 0 for s in self.shares) and abs(sum(self.shares) - 1) < 1e-6,
            found=f"shares train/val/test = {self.shares}",
            expected="three positive shares that add up to 1",
            fix="use the default 0.70 0.15 0.15",
        )
        require_one_of("split", self.split, SPLIT_RULES,
                       "'groups' keeps near-duplicate frames on one side of the split")  # fmt: skip
        check("near_bits", 0 <= self.near_bits <= 64,
              "0 (identical hashes only) to 64 (half of all bits)",
              "omit --near_bits for 18")  # fmt: skip
        check("max_bad_share", 0 <= self.max_bad_share <= 1, "a share from 0 to 1",
              "use --max_bad 0.01 to accept one unusable file in a hundred")  # fmt: skip
        require(
            len(self.input_dirs) > 0,
            found="no input folder",
            expected="at least one folder of class-sorted pictures",
            fix="--input_dir FOLDER",
        )
        require_seed(self.seed)
        require(
            not (self.group_by and self.groups_csv),
            found="--group_by together with --groups",
            expected="one of the two",
            fix="omit one",
        )
        require(
            self.split == "groups" or not (self.group_by or self.groups_csv),
            found="groups given together with --split random",
            expected="--split groups, which keeps them on one side",
            fix="omit --split",
        )
