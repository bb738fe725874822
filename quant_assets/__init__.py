"""The quantitative research platform as one graph of partitioned Dagster assets."""
