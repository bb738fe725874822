"""Tests of quant_assets.models."""
