"""A worker of a study, as a process of its own: `python -m … STORAGE JOURNAL LOG SECONDS TRIALS`.

STORAGE is a SQLAlchemy address or `journal`. It prints how many sets it ran, how many suggestions
it repeated and how many sets of dead workers it put up again.
"""

import sys
from pathlib import Path

from quant_assets.backtests.sweeps.search import Search, work
from quant_assets.backtests.sweeps.spaces import axes_of
from quant_assets.backtests.sweeps.studies import open_place
from quant_assets.backtests.sweeps.windows import walk_forward
from quant_assets_tests.backtests.sweeps.samples import Slow, evaluation


def search_of(trials: int = 6, days: int = 260) -> Search:
    """Three windows over the axes of the sample strategy."""
    plugin = Slow()
    windows = walk_forward(40, days, 100, 2, 40)
    axes = axes_of(plugin)
    return Search(evaluation(days, plugin=plugin), axes, {}, windows, "sharpe", trials, 1, "tiny")


def main(storage: str, journal: str, log: str, seconds: str, trials: str) -> None:
    """Work until the study is done."""
    Slow.log, Slow.seconds = Path(log), float(seconds)
    place = open_place(None if storage == "journal" else storage, Path(journal))
    done = work(search_of(int(trials)), place)
    print(len(done.trials), done.repeated, done.recovered)


if __name__ == "__main__":
    main(*sys.argv[1:])
