"""Tests of the sources of market data."""
