"""One data set and one run of two processes, to which other ways to the same end are compared."""

import pytest

from helpers.process_pair import pair
from helpers.small_run import write_colours


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """15 pictures to validate with: no two processes can share them evenly."""
    return write_colours(tmp_path_factory.mktemp("data") / "dataset", (8, 5, 4))


@pytest.fixture(scope="session")
def together(data, tmp_path_factory):
    """What two processes made that nobody disturbed."""
    output = tmp_path_factory.mktemp("together") / "output"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "jax")
        with pair(data, output) as processes:
            assert [process.wait() for process in processes] == [0, 0]
    return output
