"""Tests of quant_assets.factors.expressions."""
