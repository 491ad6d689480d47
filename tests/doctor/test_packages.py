"""Pins against what is installed."""

import pytest

from fingerspell.doctor import State
from fingerspell.doctor.packages import _normal, check_packages, installed, pinned

SERVER = {"numpy": "2.4.6", "pillow": "13.0.0"}
TRAINING = {"tensorflow": "2.21.0"}
ALL = {**SERVER, **TRAINING}


def findings(here: dict[str, str]) -> list[tuple[str, State]]:
    return [(x.topic, x.state) for x in check_packages(here, SERVER, TRAINING)]


@pytest.mark.parametrize(
    ("here", "found"),
    [
        (ALL, ("packages", State.OK)),
        ({**SERVER, "tensorflow-cpu": "2.21.0"}, ("packages", State.OK)),
        ({"numpy": "2.4.6", **TRAINING}, ("server packages", State.FAIL)),
        (SERVER, ("training packages", State.WARN)),
    ],
)
def test_what_is_pinned_must_be_there_and_more_so_for_the_server(here, found):
    assert findings(here) == [found]


def test_another_version_is_named_with_both_numbers():
    (finding,) = check_packages({**ALL, "numpy": "1.26.0"}, SERVER, TRAINING)
    assert finding.state is State.WARN
    assert "numpy 1.26.0 (pinned 2.4.6)" in finding.found


@pytest.mark.parametrize("extra", ["tensorflow-cpu", "opencv-python"])
def test_two_packages_with_the_same_module_clash(extra):
    here = {**ALL, extra: "2.21.0", "opencv-python-headless": "5"}
    assert ("clash", State.FAIL) in findings(here)


def test_pins_are_read_from_the_requirement_files(tmp_path):
    text = "# words ==\n-r other.txt\nPython_Multipart==0.0.34\n\n"
    (tmp_path / "requirements.txt").write_text(text, encoding="utf-8")
    assert pinned("requirements.txt", tmp_path) == {"python-multipart": "0.0.34"}
    assert pinned("none.txt", tmp_path) == {}


def test_this_checkout_has_pins_and_this_environment_has_packages():
    assert "numpy" in pinned("requirements.txt")
    assert "tensorflow" in pinned("requirements_training.txt")
    assert "numpy" in installed()


def test_names_are_compared_as_pip_compares_them():
    assert _normal("ML_dtypes") == _normal("ml-dtypes") == _normal("ml.dtypes")
