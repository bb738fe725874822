"""The section of luck: how much of the Sharpe ratio may be chance, and the best of many trials."""

from dataclasses import dataclass

import numpy as np

from quant_assets.pages.shell import Section
from quant_assets.performance.deflation import expected_maximum_sharpe
from quant_assets.performance.metrics import METRICS
from quant_assets.performance.page.formats import count, counted, number, percent
from quant_assets.performance.page.measured import Measured
from quant_assets.performance.page.parts import Grid, Part
from quant_assets.performance.page.sheet_data import SheetData


@dataclass(frozen=True)
class Luck:
    """What is known of luck; NaN where undefined.

    Attributes:
        sharpe: annual.
        probability: that the true Sharpe ratio is above 0.
        deflated: that it is above the best of as many worthless trials.
        bar: annual Sharpe ratio expected of the best of as many worthless trials.
        enough: sessions after which the probability reaches 95 %.
        sessions: that there are.
        trials: None where they are not counted.
    """

    sharpe: float
    probability: float
    deflated: float
    bar: float
    enough: float
    sessions: int
    trials: int | None

    def tile(self) -> tuple[str, str, str, str]:
        """Title, value, words and convention of the key figure."""
        if self.trials is not None and np.isfinite(self.deflated):
            told = METRICS["deflated_sharpe"].description
            words = f"chance to beat the best of {counted(self.trials, 'worthless trial')}"
            return "Deflated Sharpe", percent(self.deflated), words, told
        told = METRICS["probabilistic_sharpe"].description
        words = "chance that the true Sharpe ratio is above 0"
        return "Probabilistic Sharpe", percent(self.probability), words, told

    def trials_sentence(self) -> str:
        """How many trials were counted, for the facts."""
        if self.trials is None:
            return "not counted: the deflated Sharpe ratio is not known"
        return (
            f"{counted(self.trials, 'parameter set')} tried on this market when this page was "
            "made, each counted once"
        )


def of(sheet: SheetData, measured: Measured) -> Luck:
    """From a sheet and its metrics."""
    own, trials = measured.own, sheet.trials
    bar = np.nan
    if trials is not None:
        bar = expected_maximum_sharpe(trials.count, trials.variance_of_sharpes)
    return Luck(
        own["sharpe"],
        own["probabilistic_sharpe"],
        own["deflated_sharpe"],
        bar * float(np.sqrt(sheet.annualization)),
        own["minimum_track_record"],
        int(np.isfinite(sheet.returns).sum()),
        None if trials is None else trials.count,
    )


def part(luck: Luck) -> Part:
    """The figures one by one, with what they mean."""
    return Part(
        Section(
            "Luck",
            "The more is tried, the better the best looks by chance alone (Bailey and López de "
            "Prado 2012 and 2014).",
            luck_grid(luck).html(),
            anchor="luck",
        )
    )


def luck_grid(luck: Luck) -> Grid:
    """Figure, value and what it says."""
    rows = [
        ["Sharpe ratio", number(luck.sharpe), "Of the returns as they were, annual."],
        [
            "Probabilistic Sharpe ratio",
            percent(luck.probability),
            "Chance that the true ratio is above 0, given the number of sessions and the skewness "
            "and tails of the returns.",
        ],
        [
            "Sessions needed for 95 %",
            count(luck.enough),
            f"There are {count(luck.sessions)}.",
        ],
        [
            "Trials counted",
            "not counted" if luck.trials is None else count(luck.trials),
            "Parameter sets of any strategy or model ever tried on this market, by sweeps, "
            "searches and backtests, each counted once.",
        ],
        [
            "Best Sharpe ratio by luck",
            number(luck.bar),
            "Expected of the best of as many trials if none of them were worth anything, annual.",
        ],
        [
            "Deflated Sharpe ratio",
            percent(luck.deflated),
            "Chance that the true ratio is above that. Below 95 % the result may well be luck.",
        ],
    ]
    return Grid("luck", ["Figure", "Value", "What it says"], rows, (0, 2))
