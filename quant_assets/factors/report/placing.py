"""Where words stand in a picture so that they do not cover one another."""

from collections.abc import Sequence


def apart(places: Sequence[float], least: float) -> list[float]:
    """Ascending places from 0 to 1, moved so that no neighbours are closer than `least`.

    They stay below 1 unless there is no room for all; each is moved up, then down, no further than
    it must be.
    """
    moved = list(places)
    for k in range(1, len(moved)):
        moved[k] = max(moved[k], moved[k - 1] + least)
    if moved:
        moved[-1] = min(moved[-1], max(1.0, least * (len(moved) - 1)))
    for k in range(len(moved) - 2, -1, -1):
        moved[k] = min(moved[k], moved[k + 1] - least)
    return moved
