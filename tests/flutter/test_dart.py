"""The example's own tests pass on a Dart, and each of its files is known to the compiler."""

import json
import os

import pytest

from flutter.dart import APP, STUBS, dart, run


@pytest.fixture(autouse=True)
def needs_dart():
    if dart() is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no dart: see tests/flutter/dart.py")


def test_the_tests_of_the_example_pass_and_the_whole_app_is_known_to_the_compiler(tmp_path):
    """One start for both: it takes five seconds of processor time."""
    tests = sorted((APP / "test").glob("*_test.dart"))
    lines = [f"import '{test.as_uri()}' as t{n};" for n, test in enumerate(tests)]
    lines += ["import 'package:flutter_test/flutter_test.dart';"]
    lines += ["import 'package:fingerspell_example/main.dart' as app;"]
    calls = "".join(f"t{n}.main();" for n in range(len(tests)))
    main = (
        f"void main(List<String> words) {{ if (words.isNotEmpty) app.main(); {calls} runAll(); }}"
    )
    packages = {folder.name: folder for folder in sorted(STUBS.iterdir())}
    done = run(tmp_path, "\n".join([*lines, main]), packages | {"fingerspell_example": APP / "lib"})
    assert done.returncode == 0, done.stderr
    faults = json.loads(done.stdout)
    assert len(faults) >= 10
    assert {name: fault for name, fault in faults.items() if fault} == {}
