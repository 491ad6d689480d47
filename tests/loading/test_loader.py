"""Batches: right shapes and range, resumable to the bit; decks: fair to classes and groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from fingerspell.config import AugmentConfig, PrepareConfig, SamplingConfig
from fingerspell.dataset.manifest import Manifest, Sample, read_manifest
from fingerspell.errors import ConfigError, PictureError
from fingerspell.images import encode_jpeg, load
from fingerspell.loading.loader import Batch, evaluation_stream, labelled_stream, training_stream
from fingerspell.loading.sampling import (
    EVERY_PICTURE,
    class_counts,
    class_weights,
    epoch_length,
    make_deck,
)
from fingerspell.prepare.prepare import prepare
from helpers.small_run import STILL
from helpers.synthetic_folder import alphabet

SIZE = (32, 40)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    folder = tmp_path_factory.mktemp("loader")
    prepare(PrepareConfig(input_dirs=(alphabet(folder / "in", "ABC"),), output_dir=folder / "out"))
    return read_manifest(folder / "out")


def batches(
    manifest: Manifest,
    count: int,
    samples: Sequence[Sample] = (),
    *,
    batch_size: int = 4,
    augment: AugmentConfig | None = None,
    seed: int = 1,
    **more: object,
) -> list[Batch]:
    """The first batches of `samples`, or else of all that are trained on."""
    shown = samples or manifest.split("train")
    stream = training_stream(
        manifest, shown, manifest.labels, SIZE, batch_size, augment, seed, **more
    )
    return list(islice(iter(stream), count))


def test_batches_are_float_pictures_one_hot_labels_and_weights(manifest: Manifest) -> None:
    weights = [0.5, 1.0, 2.0]
    for augment in (None, AugmentConfig()):
        x, y, w = batches(manifest, 1, augment=augment)[0]
        assert (x.shape, y.shape, w.shape) == ((4, *SIZE, 3), (4, 3), (4,))
        assert x.dtype == y.dtype == w.dtype == np.float32
        assert 0 <= x.min() < x.max() <= 1
        assert x.mean() > 0.1
        assert (y.sum(axis=1) == 1).all()
        assert (w == 1).all()
        for _, y, w in batches(manifest, 5, augment=augment, class_weights=weights):
            np.testing.assert_array_equal(w, y @ np.array(weights, np.float32))


def test_a_pass_shows_every_picture_once_with_its_own_label_and_is_shuffled_anew(
    manifest: Manifest,
) -> None:
    train = manifest.split("train")
    known = {load(manifest.absolute(s), SIZE).tobytes(): s.label for s in train}
    parts = batches(manifest, 2 * len(train) // 4)
    seen = [
        (p.tobytes(), manifest.labels[t.argmax()])
        for x, y, _ in parts
        for p, t in zip(x, y, strict=True)
    ]
    first, second = seen[: len(train)], seen[len(train) :]
    assert sorted(first) == sorted(second) == sorted(known.items())
    assert first != second


def test_a_resumed_stream_continues_as_if_it_had_never_stopped(manifest: Manifest) -> None:
    whole = batches(manifest, 25, augment=AugmentConfig())
    later = batches(manifest, 5, augment=AugmentConfig(), first_batch=20, threads=1)
    for expected, found in zip(whole[20:], later, strict=True):
        for one, other in zip(expected, found, strict=True):
            np.testing.assert_array_equal(one, other)


def test_another_seed_is_another_stream_and_each_epoch_changes_a_picture_otherwise(
    manifest: Manifest,
) -> None:
    first, again, other = (batches(manifest, 3, seed=seed) for seed in (1, 1, 2))
    assert all((a[0] == b[0]).all() for a, b in zip(first, again, strict=True))
    assert any((a[0] != b[0]).any() for a, b in zip(first, other, strict=True))
    how, one = {"augment": AugmentConfig(), "batch_size": 1}, manifest.split("train")[:1]
    seen = [
        x.tobytes() for seed in (1, 2) for x, *_ in batches(manifest, 10, one, seed=seed, **how)
    ]
    assert len(set(seen)) == 20


def test_processes_that_share_a_batch_see_together_what_one_would(manifest: Manifest) -> None:
    for first in (0, 3):
        whole = batches(manifest, 7, augment=AugmentConfig(), first_batch=first)
        parts = [
            batches(manifest, 7, augment=AugmentConfig(), first_batch=first, part=(k, 2))
            for k in range(2)
        ]
        for expected, *shares in zip(whole, *parts, strict=True):
            for one, *others in zip(expected, *shares, strict=True):
                np.testing.assert_array_equal(one, np.concatenate(others))


@pytest.mark.parametrize("part", [(0, 3), (2, 2), (-1, 2), (0, 0)])
def test_a_batch_that_does_not_divide_among_the_processes_is_refused(
    manifest: Manifest, part: tuple[int, int]
) -> None:
    with pytest.raises(ConfigError, match="divides evenly"):
        batches(manifest, 1, part=part)


def test_a_rare_class_is_dealt_as_often_as_the_others(manifest: Manifest) -> None:
    train = manifest.split("train")
    uneven = [s for s in train if s.label != "A"] + [s for s in train if s.label == "A"][:1]
    shown, fair = 3 * len(uneven), SamplingConfig(class_power=0)
    parts = batches(manifest, shown, uneven, batch_size=1, sampling=fair)
    labels = np.concatenate([y for _, y, _ in parts])
    np.testing.assert_allclose(labels.sum(axis=0), shown / 3, atol=1)


def test_cut_out_hands_stand_before_pieces_of_the_pictures_without_hands(tmp_path: Path) -> None:
    hand, green = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), (0, 255, 0), np.uint8)
    hand[20:44, 20:44] = 180
    for name, rgb in (("A", hand), ("nothing", green)):
        (tmp_path / f"{name}.jpg").write_bytes(encode_jpeg(rgb, 95))
    samples = [Sample(f"{x}.jpg", x, "train", x, "s", "", "", 0, 0) for x in ("A", "nothing")]
    manifest = Manifest(tmp_path, tuple(samples), ("A", "nothing"), "")
    replaced = replace(STILL, background_share=1.0)
    x, y, _ = batches(manifest, 1, batch_size=60, augment=replaced, threads=1)[0]
    corners = x[y[:, 0] == 1][:, 2, 2]
    assert 5 < sum(np.allclose(corner, (0, 1, 0), atol=0.02) for corner in corners) < 20


def test_evaluation_keeps_order_and_the_last_short_batch_and_names_what_is_unreadable(
    manifest: Manifest, tmp_path: Path
) -> None:
    paths = [manifest.absolute(s) for s in manifest.samples[:7]]
    parts = list(evaluation_stream(paths, SIZE, 3))
    assert [len(part) for part in parts] == [3, 3, 1]
    expected = np.stack([load(path, SIZE) for path in paths])
    np.testing.assert_array_equal(np.concatenate(parts), expected)
    assert parts[0].dtype == np.float32
    assert list(evaluation_stream([], SIZE, 3)) == []
    (tmp_path / "broken.jpg").write_bytes(b"no")
    with pytest.raises(PictureError, match=r"broken\.jpg"):
        list(evaluation_stream([tmp_path / "broken.jpg"], SIZE, 2))


def test_a_named_class_counts_so_much_beside_the_balance():
    plain = class_weights({"A": 10, "J": 30}, ("A", "J", "Q"))
    less = class_weights({"A": 10, "J": 30}, ("A", "J", "Q"), {"J": 1 / 3, "Z": 5.0})
    np.testing.assert_allclose(less, plain * [1, 1 / 3, 1])


def test_class_weights_are_inverse_to_frequency_with_mean_one_and_never_balance_twice(
    manifest: Manifest,
) -> None:
    labels = ["A"] * 30 + ["B"] * 10
    weights = class_weights(Counter(labels), ("A", "B", "C"))
    assert weights.dtype == np.float32
    assert weights[1] == pytest.approx(3 * weights[0])
    assert weights[2] == 0
    assert np.mean([weights["AB".index(x)] for x in labels]) == pytest.approx(1)
    uneven = manifest.split("train")[:-5]
    for power, spread in ((1.0, True), (0.0, False)):
        counts = class_counts(uneven, SamplingConfig(class_power=power))
        assert bool(np.ptp(class_weights(counts, manifest.labels))) is spread
        assert sum(counts.values()) == pytest.approx(len(uneven))


def test_a_changed_pass_is_the_same_every_time_and_keeps_its_labels(manifest: Manifest) -> None:
    def one_pass(change: AugmentConfig | None, seed: int) -> Batch:
        train = manifest.split("train")
        stream = labelled_stream(
            manifest, train, manifest.labels, SIZE, 5, augment=change, seed=seed
        )
        pictures, labels, weights = zip(*stream, strict=True)
        return np.concatenate(pictures), np.concatenate(labels), np.concatenate(weights)

    plain, once, again, other = map(one_pass, (None, *[AugmentConfig()] * 3), (1, 1, 1, 2))
    np.testing.assert_array_equal(once[0], again[0])
    known = [manifest.labels.index(s.label) for s in manifest.split("train")]
    for pictures, labels, weights in (plain, once, other):
        assert labels.argmax(axis=1).tolist() == known
        assert (weights == 1).all()
        assert len(pictures) == len(known)
    assert (plain[0] != once[0]).any(axis=(1, 2, 3)).all()
    assert (once[0] != other[0]).any()


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
