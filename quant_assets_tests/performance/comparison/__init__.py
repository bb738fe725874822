"""Tests of the pages that show strategies side by side."""
