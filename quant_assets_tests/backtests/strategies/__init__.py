"""Tests of the strategies and of how they are found."""
