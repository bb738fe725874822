"""Backtests: strategies as plugins, the simulation of their trades, and the run that joins both."""
