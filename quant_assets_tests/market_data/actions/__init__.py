"""Tests of corporate actions: kinds, arithmetic, detection, reconciliation."""
