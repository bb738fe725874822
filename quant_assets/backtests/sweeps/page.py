"""The pages of a sweep and of a search: heat maps to choose, tables to sort, no network.

Here stand what is shown and in which words; numbers come from sweep.py and optimization.py, the
page's frame and charts from pages/.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from quant_assets.backtests.sweeps.grid_section import grid_data, grid_section
from quant_assets.backtests.sweeps.ledger import TrialStatistics
from quant_assets.backtests.sweeps.optimization import Optimization
from quant_assets.backtests.sweeps.plots import equity, in_and_out
from quant_assets.backtests.sweeps.shaping import set_in_words
from quant_assets.backtests.sweeps.sweep import Sweep
from quant_assets.market_data.panels import FloatArray
from quant_assets.pages.shell import Section, chart, page, table
from quant_assets.performance.deflation import deflated_sharpe

# Of the histogram.
_BINS = 24
# Rows of a table: further ones are in the warehouse.
LISTED = 300
# Metrics of the heat map, those of them that there are.
SHOWN = (
    *("sharpe", "sortino", "calmar", "cagr", "volatility", "max_drawdown", "omega"),
    *("information_ratio", "alpha", "beta", "win_rate"),
)
# Points of the cloud of sets, each an element of the page.
_CLOUD = 3000
# Points of a line: a page of every session would be several times as large.
_POINTS = 400

_LOGITS = """
QA.lines("logits", data.logits.edges, [{ name: "splits", values: data.logits.counts }],
  { x: "logit of the out-of-sample rank of the best in sample; at 0 and below it is overfitted",
    y: "splits", height: 260, width: 1130, bars: true });
"""
_SEARCH = """
const wide = { width: 1130 };
QA.lines("windows", data.windows, data.choices, { ...wide, y: data.metric, x: "test window from" });
QA.points("cloud", data.cloud,
  { ...wide, x: `${data.metric}, in sample`, y: `${data.metric}, out of sample` });
QA.lines("account", data.days, data.accounts, { ...wide, y: "growth of 1", tight: true });
"""


def sweep_page(
    sweep: Sweep,
    title: str,
    label: str,
    statistics: TrialStatistics | None = None,
    overfitting: float = float("nan"),
) -> str:
    """The page of a sweep, with no need of a network.

    Args:
        sweep: the sweep.
        title: of the strategy.
        label: what the data are; of a simulated market with "simulated data" in it.
        statistics: of the market's ledger of trials, this sweep included.
        overfitting: probability of overfitting over all trials of the ledger; NaN is not known.
    """
    shown = [name for name in SHOWN if name in sweep.metrics]
    first = [sweep.metric, *(name for name in shown if name != sweep.metric)]
    space = sweep.space
    left_out = "; ".join(f"{reason}: {count:,}" for reason, count in space.left_out.items())
    return page(
        f"Parameter sweep of {title}: {label}",
        f"{len(space.sets):,} parameter sets, {sweep.start} to {sweep.end}, after costs. "
        + (f"Left out because they break a constraint: {left_out}." if left_out else ""),
        [
            grid_section(sweep, [_title(name) for name in first]),
            Section(
                "Peak against plateau",
                f"Both ways of choosing held against each other: chosen on the sessions before "
                f"{sweep.split}, measured on those from then on.",
                _peak_and_plateau(sweep),
            ),
            Section(
                "How much of it is luck",
                "The probability of backtest overfitting is the share of splits of the sessions "
                "(combinatorially symmetric cross-validation, Bailey et al. 2017) in which the "
                "best set in sample ranks in the lower half out of sample. The deflated Sharpe "
                "ratio is the probability that the true Sharpe ratio of the set where it is "
                "highest is above that of the best of as many worthless trials as the market's "
                "ledger has.",
                _luck(sweep, statistics, overfitting)
                + (chart("logits", "Histogram of logits") if sweep.overfitting else ""),
                _LOGITS if sweep.overfitting else "",
            ),
            Section(
                "The sets",
                "By plateau score"
                + (f", the first {LISTED}" if len(space.sets) > LISTED else "")
                + "; all with all metrics are in table parameter_sweep.",
                _sets(sweep, first),
            ),
        ],
        {
            "names": [_title(name) for name in first],
            **grid_data(sweep, first),
            "logits": _histogram(sweep),
        },
        "All sets are measured over the same sessions; a set that begins to decide later was in "
        "cash before. Returns are after costs; ratios are annual unless they say otherwise.",
    )


def search_page(result: Optimization, title: str, label: str) -> str:
    """The page of a search, with no need of a network."""
    search = result.search
    evaluation = search.evaluation
    name = _title(search.metric)
    dates = evaluation.dates
    starts = [str(dates[each.window.test.start]) for each in result.windows]
    rows = result.rows
    every = max(1, (rows.stop - rows.start) // _POINTS)
    accounts = [("search", result.returns)]
    if evaluation.benchmark is not None and np.isfinite(evaluation.benchmark[rows]).any():
        accounts.append(("index", evaluation.benchmark))
    return page(
        f"Walk-forward search of {title}: {label}",
        f"{result.sets:,} parameter sets in {len(result.windows)} windows, chosen by {name}; "
        f"study {search.name}.",
        [
            Section(
                "In sample against out of sample",
                "Each training window chooses the set with its highest metric; the window after it "
                "measures the choice.",
                chart("windows", "In-sample and out-of-sample metric of each window's choice")
                + _windows(result),
                _SEARCH,
            ),
            Section(
                "Does what was good stay good?",
                "Every set in every window; on the dashed line it was as good after as before."
                + _correlation(result),
                chart("cloud", "Metric of each set in its training and in its test window"),
            ),
            Section(
                "One account that follows the choices",
                "Growth of 1 over the test windows, switching from set to set and costs included; "
                f"{name} {_shown(result.out_of_sample)}, mean of the choices in sample "
                f"{_shown(result.in_sample)}.",
                chart("account", "Growth of the account and of the index"),
            ),
            Section(
                "Every set that was tried",
                f"At most {LISTED}; all are in table optimization_trials.",
                _tried(result),
            ),
        ],
        {
            "metric": name,
            "windows": starts,
            "choices": [
                {"name": "in sample", "values": [e.in_sample for e in result.windows]},
                {"name": "out of sample", "values": [e.out_of_sample for e in result.windows]},
                {"name": "median set", "values": [e.median_out_of_sample for e in result.windows]},
            ],
            "cloud": _cloud(result),
            "days": [str(day) for day in dates[rows][::every]],
            "accounts": [
                {"name": what, "values": equity(returns[rows])[::every]}
                for what, returns in accounts
            ],
        },
        "Windows are sessions: the training window, an embargo that belongs to neither, the test "
        "window; test windows do not overlap.",
    )


def _peak_and_plateau(sweep: Sweep) -> str:
    name = _title(sweep.metric)
    heads = ["chosen by", "set", f"{name} before", f"{name} after"]
    median = [_median(sweep.first_part), _median(sweep.second_part)]
    rows: list[list[object]] = [
        [what, set_in_words(sweep.space, found.place), found.first, found.second]
        for what, found in (("peak", sweep.by_peak), ("plateau", sweep.by_plateau))
    ]
    rows.append(["median of all sets", "–", *median])
    whole = [
        ["peak of all sessions", set_in_words(sweep.space, sweep.peak), *_both(sweep, sweep.peak)],
        [
            "plateau of all sessions",
            set_in_words(sweep.space, sweep.plateau),
            *_both(sweep, sweep.plateau),
        ],
    ]
    return table(heads, [*rows, *whole], (2, 3))


def _median(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _both(sweep: Sweep, place: int | None) -> list[object]:
    if place is None:
        return [None, None]
    return [float(sweep.first_part[place]), float(sweep.second_part[place])]


def _luck(sweep: Sweep, statistics: TrialStatistics | None, overfitting: float) -> str:
    found = sweep.overfitting
    rows: list[list[object]] = [
        ["probability of backtest overfitting", found.probability if found else None],
        ["probability that the best in sample loses out of sample",
         found.probability_of_loss if found else None],
        ["splits", len(found.logits) if found else 0],
    ]  # fmt: skip
    if statistics is not None:
        rows += [
            ["trials ever made on this market", statistics.count],
            ["variance of their Sharpe ratios of a session", statistics.variance_of_sharpes],
            [
                "deflated Sharpe ratio of the set with the highest Sharpe ratio",
                deflated(sweep, statistics),
            ],
            ["probability of overfitting over all trials of the market, by months", overfitting],
        ]
    return table(["", "value"], rows, (1,))


def deflated(sweep: Sweep, statistics: TrialStatistics) -> float:
    """The deflated Sharpe ratio of the trial of the sweep with the highest Sharpe ratio."""
    sharpes = np.array([trial.sharpe for trial in sweep.trials])
    if np.isnan(sharpes).all():
        return float("nan")
    trial = sweep.trials[int(np.nanargmax(sharpes))]
    return float(
        deflated_sharpe(
            trial.sharpe,
            trial.sessions,
            trial.skewness,
            trial.kurtosis,
            statistics.count,
            statistics.variance_of_sharpes,
        )
    )


def _histogram(sweep: Sweep) -> Mapping[str, Any]:
    if sweep.overfitting is None:
        return {"edges": [], "counts": []}
    logits = sweep.overfitting.logits
    values, counts = np.unique(np.round(logits, 9), return_counts=True)
    if len(values) > _BINS:  # of few sets there are few ranks: bins between them would be empty
        counts, edges = np.histogram(logits, bins=_BINS)
        values = (edges[1:] + edges[:-1]) / 2
    return {"edges": [f"{each:.1f}" for each in values], "counts": counts}


def _sets(sweep: Sweep, names: Sequence[str]) -> str:
    swept = [axis.name for axis in sweep.space.axes]
    heads = ["set", *swept, "plateau score", "neighbours", *(_title(name) for name in names)]
    order = np.argsort(-np.nan_to_num(sweep.judged.scores, nan=-np.inf), kind="stable")[:LISTED]
    rows = [
        [
            int(k),
            *(sweep.space.sets[k].values[name] for name in swept),
            float(sweep.judged.scores[k]),
            int(sweep.judged.neighbours[k]),
            *(float(sweep.metrics[name][k]) for name in names),
        ]
        for k in order
    ]
    return table(heads, rows, range(len(heads)))


def _windows(result: Optimization) -> str:
    swept = [axis.name for axis in result.search.axes]
    heads = ["training", "test", "in sample", "out of sample", "median of all, out of sample"]
    dates = result.search.evaluation.dates
    rows = []
    for each in result.windows:
        chosen = each.parameters or {}
        train, test = (
            f"{dates[rows.start]} to {dates[rows.stop - 1]}"
            for rows in (each.window.train, each.window.test)
        )
        values = [each.in_sample, each.out_of_sample, each.median_out_of_sample, len(each.tried)]
        rows.append([train, test, *values, *(chosen.get(name) for name in swept)])
    return table([*heads, "sets", *swept], rows, range(2, 6 + len(swept)))


def _correlation(result: Optimization) -> str:
    inside, outside = in_and_out(result)
    if len(inside) < 3 or not np.ptp(inside) > 0 or not np.ptp(outside) > 0:
        return ""
    cut = f" The first {_CLOUD:,} are shown." if len(inside) > _CLOUD else ""
    return f" The correlation of both is {np.corrcoef(inside, outside)[0, 1]:.2f}.{cut}"


def _cloud(result: Optimization) -> list[Mapping[str, Any]]:
    """The sets that were tried and those that were chosen: in sample, out of sample, in words."""
    dates, names = result.search.evaluation.dates, [axis.name for axis in result.search.axes]
    tried: list[list[object]] = []
    chosen: list[list[object]] = []
    for each in result.windows:
        window = f"tested from {dates[each.window.test.start]}"
        for key, m in each.tried.items():
            values = m.train[each.place], m.test[each.place]
            if np.isfinite(values).all():
                words = ", ".join([window, *(f"{name} {m.parameters[name]}" for name in names)])
                of = chosen if key == each.key else tried
                of.append([*(float(f"{value:.4g}") for value in values), words])
    return [{"name": "tried", "points": tried[:_CLOUD]}, {"name": "chosen", "points": chosen}]


def _tried(result: Optimization) -> str:
    swept = [axis.name for axis in result.search.axes]
    rows = [
        [each.place, m.train[each.place], m.test[each.place], each.repeats.get(key, 0),
         *(m.parameters[name] for name in swept)]
        for each in result.windows
        for key, m in each.tried.items()
    ]  # fmt: skip
    heads = ["window", "in sample", "out of sample", "suggested again", *swept]
    return table(heads, rows[:LISTED], range(len(heads)), "Nothing was tried.")


def _title(name: str) -> str:
    from quant_assets.performance.metrics import METRICS

    return METRICS[name].title


def _shown(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "undefined"
