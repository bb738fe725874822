"""Evaluation of factors: daily measures, ICs within sectors, and the statistics of their days."""
