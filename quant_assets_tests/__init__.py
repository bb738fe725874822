"""Tests of quant_assets; the folders mirror the package."""
