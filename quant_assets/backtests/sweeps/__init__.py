"""Many parameter sets of one strategy: grids, walk-forward searches, the count of all trials."""
