"""Portfolio construction: from covariances and scores to weights, and from weights to orders.

Each method of allocation is a module of its own, `allocators.py` knows them all by name.
Constraints and orders stand in `construction.py`, the daily recommendations that use both in
`recommendations.py`. How orders are filled belongs to the simulation.
"""
