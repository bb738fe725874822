"""Tests of the Brazilian source."""
