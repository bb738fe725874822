"""Tests of the reader of B3's corporate actions."""
