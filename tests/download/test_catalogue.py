"""What the command promises about the public sets."""

from fingerspell.cli.main import build_parser
from fingerspell.download.catalogue import CATALOGUE, licence_lines


def test_three_sets_are_known_and_shown_with_licence_publisher_and_size():
    assert list(CATALOGUE) == ["asl-alphabet", "asl-alphabet-test", "massey"]
    assert [len(known.classes) for known in CATALOGUE.values()] == [29, 29, 36]
    said = "\n".join(licence_lines("asl-alphabet"))
    for words in ("GPL-2.0", "grassknoted/asl-alphabet", "87,000", "29 classes", "1,100 MB"):
        assert words in said


def test_what_to_do_next_is_a_command_that_exists():
    for known in CATALOGUE.values():
        verb, *options = known.then.split()
        assert verb in ("prepare", "evaluate")
        if "--group_by" not in options:
            build_parser().parse_args([verb, *options])
