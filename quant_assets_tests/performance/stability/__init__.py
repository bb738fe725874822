"""Tests of what is said of the stability of strategies."""
