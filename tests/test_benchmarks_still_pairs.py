"""Letters that a still cannot tell apart are counted right, and either of the two."""

import numpy as np

from still_pairs import answered_as, pairs, pairs_mean
from still_pairs_page import stills


def test_a_pair_is_right_or_either_and_its_letters_are_told_apart():
    """Of I four are right and one is J; of J one is right, two are I and two are A."""
    truth, answer = np.array(list("IIIIIJJJJJAD")), np.array(list("IIIIJJIIAAID"))
    found = pairs(truth, answer)
    assert found["I/J"] == {
        "pictures": 10,
        "right": 0.5,
        "either": 0.8,
        "recall": {"I": 0.8, "J": 0.2},
        "as_other": {"I": 0.2, "J": 0.4},
    }
    assert found["D/Z"]["recall"] == {"D": 1.0, "Z": None}
    assert found["D/Z"]["as_other"] == {"D": 0.0, "Z": None}


def test_a_pair_of_which_nothing_is_shown_is_not_named():
    assert list(pairs(np.array(["A", "J"]), np.array(["D", "I"]))) == ["I/J"]


def source_of(truth, answer):
    return {"pairs": pairs(np.array(list(truth)), np.array(list(answer)))}


def test_a_pairs_mean_is_over_sources_that_show_both():
    means = pairs_mean(
        {
            "right": source_of("IIIIIIJJ", "IIIIIIJJ"),
            "guessed": source_of("IJ", "II"),
            "alone": source_of("I", "A"),
            "neither": source_of("A", "A"),
        }
    )
    assert means == {
        "I/J": {
            "sources": 2,
            "right": 0.75,
            "either": 1.0,
            "recall": {"I": 1.0, "J": 0.5},
            "as_other": {"I": 0.0, "J": 0.5},
        }
    }


def test_the_digit_1_is_told_by_what_it_is_answered_as():
    answer = np.array([*"DDDDZZG", "nothing", "nothing", "del"])
    assert answered_as(answer) == {
        "D": 0.4, "Z": 0.2, "other_letters": 0.1, "nothing": 0.2,
    }  # fmt: skip


def test_the_page_reports_apart_what_a_still_cannot_tell():
    people = {"ann": source_of("IIIIIJJJJJ", "IIIIJJIIAA"), "bob": source_of("IJDZ", "IJDD")}
    studied = {"cy": source_of("IJ", "JI"), "dan": source_of("IIII", "IIJA")}
    figures = {
        "unseen_signers": people,
        "studied": studied,
        "pairs_mean": {"unseen_signers": pairs_mean(people),
                       "studied": pairs_mean(studied)},
        "digit_one": {"pictures": 1200, "D": 0.5, "Z": 0.25, "other_letters": 0.125,
                      "nothing": 0.1, "accepted": 0.05},
    }  # fmt: skip
    page = stills(figures)
    first = page.index("| I and J | pictures | right | either | J as I | I as J |")
    assert page[first + 2 : first + 8] == [
        "| ann | 10 | 50.0 % | 80.0 % | 40.0 % | 20.0 % |",
        "| bob | 2 | 100.0 % | 100.0 % | 0.0 % | 0.0 % |",
        "| **mean, `dev_`** |  | 75.0 % | 90.0 % | 20.0 % | 10.0 % |",
        "| cy | 2 | 0.0 % | 100.0 % | 100.0 % | 100.0 % |",
        "| dan | 4 | 50.0 % | 75.0 % | – | 25.0 % |",
        "| **mean, study** |  | 0.0 % | 100.0 % | 100.0 % | 100.0 % |",
    ]
    second = page.index("| D and Z | pictures | right | either | Z as D | D as Z |")
    assert page[second + 2 : second + 5] == [
        "| bob | 2 | 50.0 % | 100.0 % | 100.0 % | 0.0 % |",
        "| **mean, `dev_`** |  | 50.0 % | 100.0 % | 100.0 % | 0.0 % |",
        "",
    ]
    assert page[2].endswith(" Means are over sources that show both; `dan` shows no J.")
    assert (
        "Of 1,200 photographs of it 50.0 % are answered as D, 25.0 % as Z, 12.5 % as another "
        "letter and 10.0 % as `nothing`; 5.0 % are taken for a letter at the threshold." in page[-2]
    )
