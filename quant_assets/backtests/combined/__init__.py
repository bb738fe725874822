"""Across strategies: their returns side by side, how alike they are, portfolios of them.

How they are measured and shown stands in performance/stability and performance/comparison.
"""
