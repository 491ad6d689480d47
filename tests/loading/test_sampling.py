"""An epoch's deck: fair to classes, sources and groups, and no picture before all of its group."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from fingerspell.config import SamplingConfig
from fingerspell.dataset.manifest import Sample
from fingerspell.errors import ConfigError
from fingerspell.loading.sampling import EVERY_PICTURE, class_counts, epoch_length, make_deck

Film = tuple[str, str, int]
FILMS: tuple[Film, ...] = (
    ("A", "home", 64), ("A", "home", 1), ("A", "home", 1), ("A", "office", 9), ("A", "office", 4),
    ("B", "home", 16), ("B", "office", 25), ("nothing", "office", 36),
    *[("B", "synthetic", 1)] * 7,
)  # fmt: skip
"""Groups of near duplicates: their class, their source and how many pictures they have."""


def samples(films: tuple[Film, ...] = FILMS) -> list[Sample]:
    made = [
        Sample(f"{number}/{i}", label, "train", str(number), source, "", "", 0, 0)
        for number, (label, source, count) in enumerate(films)
        for i in range(count)
    ]
    order = np.random.default_rng(0).permutation(len(made))
    return [made[i] for i in order]


def dealt(sampling: SamplingConfig, epochs: int, seed: int = 1) -> list[list[Sample]]:
    known = samples()
    deck = make_deck(known, sampling, seed)
    return [[known[i] for i in deck.epoch(e)] for e in range(epochs)]


def powers(group: float = 1, source: float = 1, label: float = 1) -> SamplingConfig:
    return SamplingConfig(group_power=group, source_power=source, class_power=label)


MANY = [powers(0), powers(0.5), powers(0.3, 0.5, 0.2), powers(0, 0, 0), powers(1, 0, 0)]


def test_left_alone_every_epoch_has_every_picture_once_in_the_samples_order() -> None:
    deck = make_deck(samples(), EVERY_PICTURE, 3)
    for epoch in (0, 1, 7, 1000):
        np.testing.assert_array_equal(deck.epoch(epoch), np.arange(len(samples())))


def test_a_group_of_n_near_duplicates_gives_n_to_the_power_of_it_and_synthetic_hands_all() -> None:
    for epoch in dealt(powers(group=0.5), 5):
        counts = Counter(s.group for s in epoch)
        assert [counts[str(i)] for i in range(8)] == [8, 1, 1, 3, 2, 4, 5, 6]
        synthetic = [s for s in epoch if s.source == "synthetic"]
        assert len(synthetic) == len({s.path for s in synthetic}) == 7


@pytest.mark.parametrize("sampling", MANY)
def test_every_epoch_is_as_long_as_told_and_no_picture_comes_again_before_all_of_its_group_came(
    sampling: SamplingConfig,
) -> None:
    expected = round(sum(n**sampling.group_power for _, _, n in FILMS))
    assert epoch_length(samples(), sampling) == expected
    seen: Counter[str] = Counter()
    for epoch in dealt(sampling, 40):
        assert len(epoch) == expected
        seen.update(s.path for s in epoch)
        for group, (_, _, size) in enumerate(FILMS):
            times = [seen[f"{group}/{i}"] for i in range(size)]
            assert max(times) - min(times) <= 1


@pytest.mark.parametrize("sampling", MANY)
def test_every_share_is_kept_in_each_epoch_to_within_one_and_over_many_exactly(
    sampling: SamplingConfig,
) -> None:
    wanted = class_counts(samples(), sampling)
    decks = dealt(sampling, 50)
    for name, expected in wanted.items():
        each = [sum(s.label == name for s in deck) for deck in decks]
        assert all(abs(count - expected) < 1 for count in each)
        assert np.mean(each) == pytest.approx(expected, abs=0.05)
    for group in range(len(FILMS)):
        each = [sum(s.group == str(group) for s in deck) for deck in decks]
        assert max(each) - min(each) <= 1
        assert sum(each) > 0


def test_without_sizes_classes_or_the_sources_of_a_class_come_equally_often() -> None:
    """Synthetic hands are one source among them, however many were drawn."""
    assert set(class_counts(samples(), powers(label=0)).values()) == {round(len(samples()) / 3, 6)}
    decks = dealt(powers(source=0), 60)
    for label, sources in (("A", 2), ("B", 3), ("nothing", 1)):
        counts = Counter(s.source for deck in decks for s in deck if s.label == label)
        assert len(counts) == sources
        assert max(counts.values()) == pytest.approx(min(counts.values()), rel=0.02)


def test_any_epoch_can_be_had_without_those_before_it_and_the_seed_orders_a_group() -> None:
    one, other = (make_deck(samples(), MANY[2], 5) for _ in range(2))
    before = [one.epoch(e) for e in range(9)]
    np.testing.assert_array_equal(before[8], other.epoch(8))
    assert any((before[0] != deck).any() for deck in before[1:])
    first, second = (dealt(powers(group=0), 1, seed)[0] for seed in (1, 2))
    assert [s.path for s in first] != [s.path for s in second]
    assert {s.group for s in first} == {s.group for s in second}


@pytest.mark.parametrize("name", SamplingConfig.__slots__)
@pytest.mark.parametrize("power", [-0.1, 1.5, float("nan")])
def test_a_power_outside_0_to_1_is_refused(name: str, power: float) -> None:
    with pytest.raises(ConfigError, match=rf"sampling\.{name}="):
        SamplingConfig(**{name: power})
