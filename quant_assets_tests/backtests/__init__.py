"""Tests of quant_assets.backtests."""
