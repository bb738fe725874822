"""Tests of market data: calendars, sources, quality, adjustment, universe."""
