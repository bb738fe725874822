"""The code location: what `dagster dev` and the daemon load."""

from quant_assets.orchestration.build import build_defs

defs = build_defs()
