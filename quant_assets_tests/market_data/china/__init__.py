"""Tests of market_data/china."""
