"""One family of errors: found, expected, fix."""

import inspect
import pickle

import pytest

from fingerspell import errors
from fingerspell.errors import FingerspellError, PictureError

KINDS = [
    x for _, x in inspect.getmembers(errors, inspect.isclass) if x.__module__ == errors.__name__
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_users_mistake_in_three_lines_that_survives_a_worker_process(kind):
    assert issubclass(kind, FingerspellError) and issubclass(kind, ValueError)
    assert kind.__doc__
    error = pickle.loads(pickle.dumps(kind(found="a", expected="b", fix="c")))
    assert type(error) is kind
    assert (error.found, error.expected, error.fix) == ("a", "b", "c")
    assert str(error) == "a\n  expected: b\n  to fix:   c"


def test_all_three_parts_must_be_given():
    with pytest.raises(TypeError):
        PictureError(found="a", expected="b")
