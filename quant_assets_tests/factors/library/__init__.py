"""Tests of quant_assets.factors.library."""
