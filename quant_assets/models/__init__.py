"""Models: labels, purged walk-forward windows, data sets, training, stored models, predictions."""
