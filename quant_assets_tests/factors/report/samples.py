"""Made-up months of factor_evaluation for the tests of pictures and pages."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from quant_assets.factors.catalogue import Catalogue, built_in
from quant_assets.factors.evaluation.daily import table_of
from quant_assets.factors.evaluation.measures import columns
from quant_assets.factors.summary import summarise
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.factors.samples import sessions

LABEL = "Demo market (simulated data)"
MONTH = "2016-03"
HORIZONS = (1, 5, 21)
STYLE = next(each for each in built_in() if each.name == "style")
NAMES = sorted(STYLE.expressions)
KNOWN = Catalogue([STYLE])
SECTORS = ("Energy", "Financials", "Utilities")


def evaluation(
    names: Sequence[str] = NAMES,
    horizons: Sequence[int] = HORIZONS,
    start: str = "2016-03-01",
    count: int = 23,
    seed: int = 0,
) -> pa.Table:
    """Rows of factor_evaluation of weekdays from `start` on: names are as strong as they come."""
    random = np.random.default_rng(seed)
    dates = sessions(
        count + max(horizons), str(np.busday_offset(np.datetime64(start), -max(horizons)))
    )
    shape = (count, len(names), len(horizons))
    strength = np.linspace(-0.06, 0.05, len(names))[:, None] * np.sqrt(np.array(horizons))
    ic = np.clip(random.normal(strength, 0.08, shape), -0.9, 0.9)
    values = {name: np.full(shape, np.nan) for name in columns(5)}
    market = random.normal(0.0004, 0.01, (count, 1, 1)) * np.array(horizons)
    for name in values:
        if "ic" in name.split("_"):
            values[name] = np.clip(ic + random.normal(0, 0.01, shape), -1, 1)
    values |= {
        "observations": np.full(shape, 90.0),
        "coverage": random.uniform(0.9, 1.0, shape),
        "rank_ic": ic,
        "beta": ic * 0.02,
        "t_statistic": ic * 10,
        "r_squared": ic**2,
        "mean_return": market + np.zeros(shape),
        "factor_return": ic * 0.02,
        "monotonicity": np.clip(ic * 3, -1, 1),
        "turnover": random.uniform(0, 1, shape),
        "turnover_bottom": random.uniform(0, 1, shape),
        "rank_autocorrelation": random.uniform(0.5, 1, shape),
        "spread": ic * 0.05,
    }
    for q in range(1, 6):
        values[f"quantile_{q}"] = market + ic * 0.0125 * (q - 3)
        values[f"count_{q}"] = np.full(shape, 18.0)
    measures = np.stack([values[name] for name in columns(5)])
    table = table_of(measures, dates, max(horizons), list(names), horizons)
    return schema_of("us/factor_evaluation").validate(table)


def month_of(
    names: Sequence[str] = NAMES, horizons: Sequence[int] = HORIZONS
) -> tuple[pa.Table, pa.Table]:
    """The summary of a month and its days."""
    days = evaluation(names, horizons)
    return summarise(days, MONTH, horizons), days


def months_before(count: int, names: Sequence[str] = NAMES) -> pa.Table:
    """month, factor, horizon, rank_ic of the months before."""
    random = np.random.default_rng(1)
    months = (np.datetime64(MONTH, "M") - 1 - np.arange(count))[::-1].astype(str)
    size = len(names) * len(HORIZONS)
    return pa.table(
        {
            "month": np.repeat(months, size).tolist(),
            "factor": np.repeat(names, len(HORIZONS)).tolist() * count,
            "horizon": pa.array(list(HORIZONS) * len(names) * count, pa.int32()),
            "rank_ic": random.normal(0.01, 0.05, size * count),
        }
    )


def by_sector(names: Sequence[str] = NAMES) -> pa.Table:
    """Rows of factor_sector_summary; what a page does not read is missing."""
    random = np.random.default_rng(2)
    size = len(names) * len(HORIZONS)
    table = pa.table(
        {
            "month": [MONTH] * size * len(SECTORS),
            "factor": np.repeat(names, len(HORIZONS) * len(SECTORS)).tolist(),
            "horizon": pa.array(np.tile(np.repeat(HORIZONS, len(SECTORS)), len(names)), pa.int32()),
            "sector": list(SECTORS) * size,
            "days": pa.array([23] * size * len(SECTORS), pa.int32()),
            "rank_ic": random.normal(0, 0.1, size * len(SECTORS)),
        }
    )
    schema = schema_of("us/factor_sector_summary").arrow
    for field in schema:
        if field.name not in table.column_names:
            table = table.append_column(field, pa.nulls(len(table), field.type))
    return table
