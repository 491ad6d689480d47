"""The example's own tests pass on a Dart, and each of its files is known to the compiler."""

import json
from pathlib import Path

import pytest

from fingerspell import images
from fingerspell.assets import STARTER
from fingerspell.images.encode import encode_png
from flutter.dart import APP, STUBS, dart, run
from helpers.needed import need


@pytest.fixture(autouse=True)
def needs_dart():
    need("" if dart() else "no dart: see tests/flutter/dart.py")


def as_png(folder: Path) -> Path:
    """Writes the released bundle's golden pictures, JPEG and turned ones decoded, as PNG."""
    body = json.loads((STARTER / "golden" / "golden.json").read_text(encoding="utf-8"))
    for picture in body["pictures"]:
        rgb = images.decode((STARTER / "golden" / picture["file"]).read_bytes())
        picture["file"] += ".png"
        (folder / picture["file"]).write_bytes(encode_png(rgb))
    (folder / "golden.json").write_text(json.dumps(body), encoding="utf-8")
    return folder


def test_the_tests_of_the_example_pass_and_the_whole_app_is_known_to_the_compiler(tmp_path):
    """One start for both: it takes some seconds of processor time."""
    tests = sorted((APP / "test").glob("*_test.dart"))
    lines = [f"import '{test.as_uri()}' as t{n};" for n, test in enumerate(tests)]
    lines += ["import 'package:flutter_test/flutter_test.dart';"]
    lines += ["import 'package:fingerspell_example/main.dart' as app;"]
    calls = "".join(f"t{n}.main();" for n in range(len(tests)))
    main = (
        f"void main(List<String> words) {{ if (words.isNotEmpty) app.main(); {calls} runAll(); }}"
    )
    packages = {folder.name: folder for folder in STUBS.iterdir()}
    packages["fingerspell_example"] = APP / "lib"
    done = run(tmp_path, "\n".join([*lines, main]), packages, GOLDEN=str(as_png(tmp_path)))
    assert done.returncode == 0, done.stderr
    faults = json.loads(done.stdout)
    assert len(faults) >= 10
    assert {name: fault for name, fault in faults.items() if fault} == {}
