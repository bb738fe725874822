"""Names and bounds of the evaluation's measures, which kernels, tables and summaries share.

Here stand constants only; what a measure means is said where it is computed (daily.py) and declared
(warehouse/tables/factors.py).
"""

# Fewer pairs of factor and return say nothing: the measures of such a day are missing.
MINIMUM_OBSERVATIONS = 10
# Within a sector there are fewer; means over days, and how many pairs they rest on, make up for it.
SECTOR_MINIMUM_OBSERVATIONS = 5
QUANTILE_COLUMNS = 5  # the tables have columns for so many

# In the order of the kernel's columns, which the quantiles' means and their counts follow.
MEASURES = (
    "observations",
    "coverage",
    "ic",
    "rank_ic",
    "ic_sector_neutral",
    "rank_ic_sector_neutral",
    "ic_size_neutral",
    "rank_ic_size_neutral",
    "beta",
    "t_statistic",
    "r_squared",
    "mean_return",
    "factor_return",
    "spread",
    "monotonicity",
    "turnover",
    "turnover_bottom",
    "rank_autocorrelation",
)
SECTOR_MEASURES = ("observations", "ic", "rank_ic")


def columns(quantiles: int) -> tuple[str, ...]:
    """Names of the columns of a daily score with so many quantiles."""
    means = (f"quantile_{q}" for q in range(1, quantiles + 1))
    counts = (f"count_{q}" for q in range(1, quantiles + 1))
    return (*MEASURES, *means, *counts)
