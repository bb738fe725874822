"""Whether what a strategy earned held through its history, and how sure its Sharpe ratio is.

bootstrap resamples histories, breaks tests for changes, table puts all into rows.
"""
