"""Class sizes of a training split: what is too small or too uneven to learn well from."""

from collections.abc import Mapping

SMALL_CLASS = 10
"""Below about so many pictures a class is not learnt (docs/troubleshooting.md)."""

_UNEVEN = 3.0


def size_warning(counts: Mapping[str, int]) -> tuple[str, str, str] | None:
    """Returns topic, finding and remedy of very small or uneven classes; None where all is well.

    `counts`: {class: training pictures}, at least one. Never a reason to refuse a batch: the loss
    weights the classes, and a batch larger than a class only means that it comes again sooner.
    """
    least, most = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    sizes = f"{least} has {counts[least]} training pictures, {most} has {counts[most]}"
    if small := [label for label, count in counts.items() if count < SMALL_CLASS]:
        named = ", ".join(small)
        return "classes", f"{sizes}: too few to learn {named}", f"add pictures of {named}"
    if counts[most] > _UNEVEN * counts[least]:
        remedy = f"training weights the classes by itself; more pictures of {least} are better"
        return "class imbalance", sizes, remedy
    return None
