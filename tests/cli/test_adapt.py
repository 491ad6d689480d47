"""`fingerspell adapt`: what it says."""

import pytest

from fingerspell.cli.adapt import gain


def facts(own_before, own_after, new=()):
    before = {"own": own_before, "own_pictures": 26, "synthetic": 0.9, "synthetic_pictures": 58}
    after = {"own": own_after, "own_pictures": 26, "synthetic": 0.88, "synthetic_pictures": 58}
    return {"adapted": {"before": before, "after": after, "new_classes": list(new)}}


def test_it_tells_what_it_brought_and_what_it_cost():
    text = gain(facts(0.5, 0.75))
    assert "50% read before, 75% after (26 that were held back)" in text
    assert "90% read before, 88% after (58)" in text
    assert "new classes" not in text
    assert gain(facts(0.5, 0.75, ["ILY"])).endswith("new classes: ILY")
    assert "none could be held back" in gain(facts(None, None))


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [(0.5, 0.46, True), (0.5, 0.5, False), (0.5, 0.75, False), (None, None, False)],
)
def test_an_adaptation_that_lost_says_so_and_what_to_do(before, after, lost):
    assert ("keep that one" in gain(facts(before, after))) is lost
