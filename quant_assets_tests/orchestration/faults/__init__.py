"""Tests of what goes wrong: bad input, full disks, killed processes."""
