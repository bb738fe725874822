"""Tests of quant_assets.market_data.order_book."""
