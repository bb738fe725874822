"""Tests of quant_assets.orchestration."""
