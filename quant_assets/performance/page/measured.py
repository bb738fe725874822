"""The metrics of a sheet: the subject's, and the benchmark's own beside them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from quant_assets.performance.metrics import METRICS, metrics
from quant_assets.performance.page.sheet_data import SheetData

# Groups that compare with the benchmark or need an account: the benchmark has none of them.
OF_THE_SUBJECT = ("benchmark", "trading")


@dataclass(frozen=True)
class Measured:
    """Metrics by name, NaN where undefined; `benchmark` is None where there is none."""

    own: Mapping[str, float]
    benchmark: Mapping[str, float] | None

    def of_benchmark(self, name: str) -> float:
        """A metric of the benchmark alone; NaN where it has none."""
        if self.benchmark is None or METRICS[name].group in OF_THE_SUBJECT:
            return np.nan
        return self.benchmark[name]


def measure(sheet: SheetData) -> Measured:
    """The metrics of a sheet's returns."""
    rates = 0.0 if sheet.risk_free is None else sheet.risk_free
    activity = sheet.activity
    exposure = None
    if activity.long_exposure is not None:
        short = 0.0 if activity.short_exposure is None else activity.short_exposure
        exposure = activity.long_exposure + short
    trials = sheet.trials
    own = metrics(
        sheet.returns,
        sheet.benchmark,
        rates,
        sheet.annualization,
        turnover=activity.turnover,
        cost=activity.cost,
        exposure=exposure,
        dates=sheet.dates,
        trials=None if trials is None else trials.count,
        variance_of_sharpes=None if trials is None else trials.variance_of_sharpes,
    )
    if sheet.benchmark is None or not np.isfinite(sheet.benchmark).any():
        return Measured(own, None)
    return Measured(
        own, metrics(sheet.benchmark, None, rates, sheet.annualization, dates=sheet.dates)
    )
