"""Tests of quant_assets.performance.page."""
