"""What the example's pubspec, README and Dart files say is true; no Dart is needed."""

import ast
import json
import re

import pytest
import yaml

from fingerspell.assets import STARTER
from fingerspell.labels import LABELS_FILE, MOVING, NOTHING
from fingerspell.live import evidence, rules_at, session
from fingerspell.runtime import contract
from flutter.dart import APP
from flutter.make_vectors import FILE, made
from house import ROOT

README = (APP / "README.md").read_text(encoding="utf-8")
PUBSPEC = yaml.safe_load((APP / "pubspec.yaml").read_text(encoding="utf-8"))
DART = {path.name: path.read_text(encoding="utf-8") for path in (APP / "lib").glob("*.dart")}
MOBILE = (ROOT / "docs" / "mobile.md").read_text(encoding="utf-8")


def test_the_commands_copy_the_assets_from_the_released_bundle_under_the_packages_name():
    commands = re.search(r"^```\n(flutter create.*?)^```", README, re.M | re.S)[1].splitlines()
    assert f"--project-name {PUBSPEC['name']} " in commands[0]
    copies = dict(line.split()[1:] for line in commands if line.startswith("cp "))
    assert {(APP / source).resolve().parent for source in copies} == {STARTER}
    assert all((APP / source).is_file() for source in copies)
    names = {source.rpartition("/")[2] for source in copies}
    assert names == {contract.FILE_NAME, LABELS_FILE, "model_fp16.tflite"}
    assert set(PUBSPEC["flutter"]["assets"]) == {f"assets/{name}" for name in names}
    assert all(f"'assets/{name}'" in DART["recogniser.dart"] for name in names)


def test_the_packages_that_are_imported_are_those_that_are_named():
    imported = set(re.findall(r"import 'package:(\w+)/", "".join(DART.values())))
    assert imported == set(PUBSPEC["dependencies"])
    bare = {name for name, text in DART.items() if "package:" not in text and name != "main.dart"}
    rows = dict(re.findall(r"^\| `lib/(\w+\.dart)` \|.*\| (yes|no) \|$", README, re.M))
    assert set(rows) == set(DART)
    assert {name for name, needs in rows.items() if needs == "no"} == bare


def test_the_frames_of_the_tests_are_what_python_makes_of_them_today():
    stored, today = json.loads(FILE.read_text(encoding="utf-8")), made()
    for now, before in zip(today["frames"], stored["frames"], strict=True):
        assert now.pop("pixels") == pytest.approx(before.pop("pixels"), abs=1e-6)
    for now, before in zip(today["motion"], stored["motion"], strict=True):
        assert now.pop("motion") == pytest.approx(before.pop("motion"), abs=1e-4)
    assert today == stored, "run: python tests/flutter/make_vectors.py"
    frames = stored["frames"]
    assert {(len(f["planes"]), f["turns"]) for f in frames} == {(n, t) for n in (1, 3)
                                                                for t in range(4)}  # fmt: skip
    assert {f["mirrored"] for f in frames} == {f["crop"] for f in frames} == {True, False}


def test_the_numbers_and_words_of_the_live_rules_are_those_of_the_code():
    """The example's own tests say the same with the whole streams, where there is a Dart."""
    dart, rules = DART["speller.dart"], rules_at((), 0.5)
    constants = " ".join(re.findall(r"static const (.*);", dart))
    how = {  # all but what needs the place of the hand
        re.sub(r"_(.)", lambda x: x[1].upper(), name): getattr(rules.evidence, name)
        for name in rules.evidence.__slots__
        if name not in ("shift", "follow_s")
    }
    read = {name: ast.literal_eval(x) for name, x in re.findall(r"(\w+) = ([^,\s]+)", constants)}
    assert read == {
        **how, "roundingS": evidence._ROUNDING_S, "leastP": evidence._LEAST_P,
        "maxChars": rules.max_chars, "aboveCalm": evidence._ABOVE_CALM,
        "mostCalm": evidence._MOST_CALM, "calmPerS": evidence._CALM_PER_S,
    }  # fmt: skip
    words = {NOTHING, session._SPACE, session._DELETE}
    assert set(re.findall(r"(?:best\]|label|label\]) [!=]= '(\w+)'", dart)) == words
    assert set(re.findall(r"'(\w+)'\.contains", dart)) == {"".join(sorted(MOVING))}
    assert f"static const format = {contract._FORMAT};" in DART["contract.dart"]
    assert f"at {rules.evidence.need_s} s of evidence" in MOBILE
    assert f"release of {rules.evidence.release_s} s" in MOBILE
    assert f"needs {rules.evidence.open_need_s} s" in MOBILE
    assert f"log(p / {rules.evidence.share})" in MOBILE


def test_the_dart_on_the_page_stands_in_the_example_word_for_word():
    blocks = re.findall(r"^```dart\n(.*?)^```", MOBILE, re.M | re.S)
    files = [re.sub(r"^ +", "", text, flags=re.M) for text in DART.values()]
    assert len(blocks) >= 2
    assert [
        b for b in blocks if not any(re.sub(r"^ +", "", b, flags=re.M) in x for x in files)
    ] == []


def test_both_platforms_entries_for_the_camera_stand_there():
    assert '<uses-permission android:name="android.permission.CAMERA" />' in README
    assert "<key>NSCameraUsageDescription</key>" in README
