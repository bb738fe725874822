"""The report of a month of factors: the numbers that are drawn, and the interactive page.

The picture beside it, which the UI shows inline, stands in factors/plots.py.
"""
