"""One family of errors: found, expected, fix."""

import inspect
import pickle

import pytest

from fingerspell import errors
from fingerspell.errors import FingerspellError, PictureError

KINDS = [
    x for _, x in inspect.getmembers(errors, inspect.isclass) if x.__module__ == errors.__name__
]


def test_an_error_reads_as_three_lines():
    error = FingerspellError(found="batch_size=0", expected="at least 1", fix="use 32")
    assert str(error).splitlines() == [
        "batch_size=0",
        "  expected: at least 1",
        "  to fix:   use 32",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_users_mistake_and_says_what_it_is(kind):
    assert issubclass(kind, FingerspellError)
    assert issubclass(kind, ValueError)
    assert kind.__doc__


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_the_way_from_a_worker_process(kind):
    error = pickle.loads(pickle.dumps(kind(found="a", expected="b", fix="c")))
    assert type(error) is kind
    assert (error.found, error.expected, error.fix, str(error)) == (
        "a",
        "b",
        "c",
        "a\n  expected: b\n  to fix:   c",
    )


def test_all_three_parts_must_be_given():
    with pytest.raises(TypeError):
        PictureError(found="a", expected="b")
