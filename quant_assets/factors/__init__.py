"""Factors: libraries of them, their computation, evaluation, summaries, correlations, pictures."""
