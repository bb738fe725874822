"""What QuantStats, empyrical, pandas and scipy make of a series: the peers of METRICS.md.

Used by the tests and by the benchmark `metrics`. Where ours differs on purpose, the function here
computes ours from the peer's number, in the way that METRICS.md tells: the difference is then known
to be this and nothing else.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import empyrical
import numpy as np
import pandas as pd
import scipy.stats
from quantstats import stats as quantstats

from quant_assets.performance import metrics as metrics_module

TABLE = Path(metrics_module.__file__).with_name("METRICS.md")
Series = Any  # pd.Series; its stubs know neither resampling by a function nor their own peers


@dataclass(frozen=True)
class Row:
    """A line of METRICS.md."""

    metric: str
    peer: str
    equal: str
    reason: str


def rows() -> list[Row]:
    """The table of METRICS.md."""
    found = re.findall(
        r"^\| (\w+) \| ([\w.-]+) \| *(\w*) *\| *(.*?) *\|$", TABLE.read_text("utf-8"), re.MULTILINE
    )
    return [Row(*each) for each in found if each[0] != "metric" and "-" * 3 not in each[0]]


@dataclass(frozen=True)
class Case:
    """One series with its benchmark, as the peers want it.

    Attributes:
        returns, benchmark: on one index of dates, without missing values.
        annual_rate: risk-free, one for all days: QuantStats takes no other.
        days: a year.
    """

    returns: Series
    benchmark: Series
    annual_rate: float
    days: int

    @cached_property
    def rate(self) -> float:
        """Of a day."""
        return float((1 + self.annual_rate) ** (1 / self.days) - 1)

    @cached_property
    def falls(self) -> Series:
        """QuantStats' loss from the peak."""
        return quantstats.to_drawdown_series(self.returns)

    @cached_property
    def drawdowns(self) -> Series:
        """QuantStats' drawdowns one by one."""
        return quantstats.drawdown_details(self.falls)

    @cached_property
    def weeks(self) -> Series:
        """empyrical's returns by week."""
        return empyrical.aggregate_returns(self.returns, "weekly")

    def last(self, months: int) -> Series:
        """The returns after the day so many months ago."""
        since = self.returns.index[-1] - pd.DateOffset(months=months)
        return self.returns[self.returns.index > since]

    def annual(self, returns: Series) -> float:
        """empyrical's annual return, which `capture` takes for 252 days a year only."""
        return float(empyrical.annual_return(returns, annualization=self.days))

    def captured(self, chosen: Series) -> float:
        """empyrical's capture of the chosen days."""
        return self.annual(self.returns[chosen]) / self.annual(self.benchmark[chosen])

    def line(self, function: Callable[..., Any], place: int) -> float:
        """One of empyrical's alpha and beta of rising or falling days."""
        found = function(self.returns, self.benchmark, risk_free=self.rate, annualization=self.days)
        return float(found[place])


def _since(case: Case, months: int, peer: Callable[[Series], Any]) -> float:
    """The peer's number of the last months; undefined where the history is shorter."""
    first = case.returns.index[-1] - pd.DateOffset(months=months)
    if case.returns.index[0] > first + pd.DateOffset(days=7):
        return float("nan")
    return float(peer(case.returns[case.returns.index > first]))


def _exposed(case: Case) -> float:
    """The share that QuantStats rounds up, if it is that."""
    share = _moved(case)
    return share if quantstats.exposure(case.returns) == np.ceil(share * 100) / 100 else np.nan


def _moved(case: Case) -> float:
    return float((case.returns != 0).mean())


def _months_moved(case: Case) -> float:
    months = empyrical.aggregate_returns(case.returns, "monthly")
    return float((months != 0).mean())


def _martin(case: Case) -> float:
    n = len(case.returns)
    return float(quantstats.ulcer_index(case.returns) * np.sqrt((n - 1) / n))


def _monthly(case: Case) -> Series:
    return case.returns.resample("ME").apply(lambda days: (1 + days).prod() - 1)


def _serenity(case: Case) -> float:
    n = len(case.returns)
    theirs = quantstats.serenity_index(case.returns) / case.returns.sum()
    return float(theirs * (case.returns - case.rate).sum() / np.sqrt((n - 1) / n))


def _treynor(case: Case) -> float:
    theirs = quantstats.treynor_ratio(case.returns, case.benchmark)
    beta = quantstats.comp(case.returns) / theirs
    return float((case.returns - case.rate).mean() * case.days / beta)


def _batting(case: Case, name: str) -> float:
    return float(empyrical.batting_average(case.returns, case.benchmark)[name])


PEERS: dict[str, Callable[[Case], Any]] = {
    "total_return": lambda c: quantstats.comp(c.returns),
    "cagr": lambda c: quantstats.cagr(c.returns, periods=c.days),
    "expected_daily_return": lambda c: quantstats.expected_return(c.returns),
    "best_day": lambda c: quantstats.best(c.returns),
    "worst_day": lambda c: quantstats.worst(c.returns),
    "stability": lambda c: empyrical.stability_of_timeseries(c.returns),
    "sharpe": lambda c: quantstats.sharpe(c.returns, c.annual_rate, c.days),
    "smart_sharpe": lambda c: quantstats.smart_sharpe(c.returns, c.annual_rate, c.days),
    "probabilistic_sharpe": lambda c: quantstats.probabilistic_sharpe_ratio(
        c.returns, c.annual_rate, c.days
    ),
    "sortino": lambda c: quantstats.sortino(c.returns, c.annual_rate, c.days),
    "smart_sortino": lambda c: quantstats.smart_sortino(c.returns, c.annual_rate, c.days),
    "adjusted_sortino": lambda c: quantstats.adjusted_sortino(c.returns, c.annual_rate, c.days),
    "smart_adjusted_sortino": lambda c: quantstats.adjusted_sortino(
        c.returns, c.annual_rate, c.days, smart=True
    ),
    "probabilistic_sortino": lambda c: quantstats.probabilistic_sortino_ratio(
        c.returns, c.annual_rate, c.days
    ),
    "probabilistic_adjusted_sortino": lambda c: quantstats.probabilistic_adjusted_sortino_ratio(
        c.returns, c.annual_rate, c.days
    ),
    "calmar": lambda c: quantstats.calmar(c.returns, periods=c.days),
    "omega": lambda c: quantstats.omega(c.returns, c.annual_rate, 0.0, c.days),
    "risk_return_ratio": lambda c: quantstats.risk_return_ratio(c.returns),
    "risk_adjusted_return": lambda c: (
        quantstats.rar(c.returns, 0.0, c.days)
        * (quantstats.exposure(c.returns) / _moved(c))
        * (quantstats.cagr(c.returns, periods=c.days) / quantstats.cagr(c.returns))
    ),
    "gain_to_pain": lambda c: quantstats.gain_to_pain_ratio(c.returns),
    "recovery_factor": lambda c: (
        quantstats.recovery_factor(c.returns) * (quantstats.comp(c.returns) / abs(c.returns.sum()))
    ),
    "ulcer_performance_index": lambda c: (
        (quantstats.cagr(c.returns, periods=c.days) - c.annual_rate) / _martin(c)
    ),
    "serenity_index": _serenity,
    "volatility": lambda c: quantstats.volatility(c.returns, c.days),
    "downside_deviation": lambda c: empyrical.downside_risk(
        c.returns, c.rate, annualization=c.days
    ),
    "skewness": lambda c: quantstats.skew(c.returns),
    "excess_kurtosis": lambda c: quantstats.kurtosis(c.returns),
    "jarque_bera": lambda c: scipy.stats.jarque_bera(c.returns).statistic,
    "jarque_bera_probability": lambda c: scipy.stats.jarque_bera(c.returns).pvalue,
    "autocorrelation": lambda c: c.returns.autocorr(),
    "autocorrelation_penalty": lambda c: quantstats.autocorr_penalty(c.returns),
    "tail_ratio": lambda c: quantstats.tail_ratio(c.returns),
    "value_at_risk": lambda c: empyrical.value_at_risk(c.returns),
    "value_at_risk_99": lambda c: empyrical.value_at_risk(c.returns, 0.01),
    "expected_shortfall": lambda c: empyrical.conditional_value_at_risk(c.returns),
    "expected_shortfall_99": lambda c: empyrical.conditional_value_at_risk(c.returns, 0.01),
    "value_at_risk_gaussian_95": lambda c: quantstats.value_at_risk(c.returns),
    "value_at_risk_gaussian_99": lambda c: quantstats.value_at_risk(c.returns, confidence=0.99),
    "expected_shortfall_gaussian_95": lambda c: quantstats.conditional_value_at_risk(c.returns),
    "expected_shortfall_gaussian_99": lambda c: quantstats.conditional_value_at_risk(
        c.returns, confidence=0.99
    ),
    "max_drawdown": lambda c: quantstats.max_drawdown(c.returns),
    "longest_drawdown_days": lambda c: c.drawdowns["days"].max(),
    "average_drawdown": lambda c: c.drawdowns["max drawdown"].mean() / 100,
    "average_drawdown_days": lambda c: c.drawdowns["days"].mean(),
    "drawdown_count": lambda c: len(c.drawdowns),
    "time_under_water": lambda c: (c.falls < 0).mean(),
    "current_drawdown": lambda c: c.falls.iloc[-1],
    "ulcer_index": _martin,
    "pain_index": lambda c: -c.falls.mean(),
    "win_rate": lambda c: quantstats.win_rate(c.returns) * _moved(c),
    "win_rate_of_moves": lambda c: quantstats.win_rate(c.returns),
    "average_return": lambda c: quantstats.avg_return(c.returns),
    "average_gain": lambda c: quantstats.avg_win(c.returns),
    "average_loss": lambda c: quantstats.avg_loss(c.returns),
    "payoff_ratio": lambda c: quantstats.payoff_ratio(c.returns),
    "profit_factor": lambda c: quantstats.profit_factor(c.returns),
    "profit_ratio": lambda c: quantstats.profit_ratio(c.returns),
    "cpc_index": lambda c: quantstats.cpc_index(c.returns),
    "common_sense_ratio": lambda c: quantstats.common_sense_ratio(c.returns),
    "outlier_win_ratio": lambda c: quantstats.outlier_win_ratio(c.returns),
    "outlier_loss_ratio": lambda c: quantstats.outlier_loss_ratio(c.returns),
    "kelly_criterion": lambda c: quantstats.kelly_criterion(c.returns),
    "risk_of_ruin": lambda c: quantstats.risk_of_ruin(c.returns),
    "consecutive_wins": lambda c: quantstats.consecutive_wins(c.returns),
    "consecutive_losses": lambda c: quantstats.consecutive_losses(c.returns),
    "best_week": lambda c: c.weeks.max(),
    "worst_week": lambda c: c.weeks.min(),
    "win_rate_by_week": lambda c: (c.weeks > 0).mean(),
    "expected_weekly_return": lambda c: (1 + c.weeks).prod() ** (1 / len(c.weeks)) - 1,
    "best_month": lambda c: quantstats.best(c.returns, "ME"),
    "worst_month": lambda c: quantstats.worst(c.returns, "ME"),
    "win_rate_by_month": lambda c: quantstats.win_rate(c.returns, "ME") * _months_moved(c),
    "expected_monthly_return": lambda c: quantstats.expected_return(c.returns, "ME"),
    "best_quarter": lambda c: quantstats.best(c.returns, "QE"),
    "worst_quarter": lambda c: quantstats.worst(c.returns, "QE"),
    "win_rate_by_quarter": lambda c: quantstats.win_rate(c.returns, "QE"),
    "expected_quarterly_return": lambda c: quantstats.expected_return(c.returns, "QE"),
    "best_year": lambda c: quantstats.best(c.returns, "YE"),
    "worst_year": lambda c: quantstats.worst(c.returns, "YE"),
    "win_rate_by_year": lambda c: quantstats.win_rate(c.returns, "YE"),
    "expected_yearly_return": lambda c: quantstats.expected_return(c.returns, "YE"),
    "return_month_to_date": lambda c: quantstats.comp(
        c.returns[c.returns.index >= c.returns.index[-1].replace(day=1)]
    ),
    "return_year_to_date": lambda c: quantstats.comp(
        c.returns[c.returns.index >= c.returns.index[-1].replace(day=1, month=1)]
    ),
    "return_three_months": lambda c: _since(c, 3, quantstats.comp),
    "return_six_months": lambda c: _since(c, 6, quantstats.comp),
    "return_one_year": lambda c: _since(c, 12, quantstats.comp),
    "return_three_years": lambda c: _since(c, 36, lambda r: quantstats.cagr(r, periods=c.days)),
    "return_five_years": lambda c: _since(c, 60, lambda r: quantstats.cagr(r, periods=c.days)),
    "return_ten_years": lambda c: _since(c, 120, lambda r: quantstats.cagr(r, periods=c.days)),
    "average_month_gain": lambda c: quantstats.avg_win(c.returns, "ME"),
    "average_month_loss": lambda c: quantstats.avg_loss(c.returns, "ME"),
    "gain_to_pain_by_month": lambda c: quantstats.gain_to_pain_ratio(_monthly(c), 0, "ME"),
    "beta": lambda c: empyrical.beta(c.returns, c.benchmark, c.rate),
    "alpha": lambda c: empyrical.alpha(c.returns, c.benchmark, c.rate, annualization=c.days),
    "correlation": lambda c: c.returns.corr(c.benchmark),
    "r_squared": lambda c: quantstats.r_squared(c.returns, c.benchmark),
    "tracking_error": lambda c: empyrical.annual_volatility(
        c.returns - c.benchmark, annualization=c.days
    ),
    "information_ratio": lambda c: (
        quantstats.information_ratio(c.returns, c.benchmark) * np.sqrt(c.days)
    ),
    "active_return": lambda c: c.annual(c.returns) - c.annual(c.benchmark),
    "treynor_ratio": _treynor,
    "capture": lambda c: c.annual(c.returns) / c.annual(c.benchmark),
    "up_capture": lambda c: c.captured(c.benchmark > 0),
    "down_capture": lambda c: c.captured(c.benchmark < 0),
    "up_down_capture": lambda c: c.captured(c.benchmark > 0) / c.captured(c.benchmark < 0),
    "batting_average": lambda c: _batting(c, "batting average"),
    "batting_average_up": lambda c: _batting(c, "up market"),
    "batting_average_down": lambda c: _batting(c, "down market"),
    "up_beta": lambda c: c.line(empyrical.up_alpha_beta, 1),
    "down_beta": lambda c: c.line(empyrical.down_alpha_beta, 1),
    "up_alpha": lambda c: c.line(empyrical.up_alpha_beta, 0),
    "down_alpha": lambda c: c.line(empyrical.down_alpha_beta, 0),
    "beta_fragility": lambda c: empyrical.beta_fragility_heuristic(c.returns, c.benchmark),
    "time_in_market": _exposed,
}


def sample(days: int, seed: int, start: str = "2014-03-05") -> tuple[Series, Series]:
    """Returns with idle days, an idle month and drawdowns, and a benchmark, on business days."""
    random = np.random.default_rng(seed)
    dates = pd.bdate_range(start, periods=days, name="date")
    index = random.standard_t(4, days) * 0.008 + 0.0003
    own = 0.7 * index + random.normal(0.0002, 0.006, days)
    own[random.random(days) < 0.1] = 0.0
    month = dates.to_period("M")
    own[month == month[days // 2]] = 0.0
    return pd.Series(own, dates), pd.Series(index, dates)
