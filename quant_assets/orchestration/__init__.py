"""The asset graph: the only package that knows dagster, and thin."""

import warnings

import dagster as dg

# Backfill policies, partitioned checks and freshness by partition are marked so in every 1.13
# release, once for each asset that uses them; the version is pinned below 1.14 for their sake.
for category in (dg.BetaWarning, dg.PreviewWarning, dg.SupersessionWarning):
    warnings.filterwarnings("ignore", category=category)
