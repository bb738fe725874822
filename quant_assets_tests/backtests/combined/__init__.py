"""Tests of what is done across strategies."""
