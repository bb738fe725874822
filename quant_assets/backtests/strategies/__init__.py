"""Strategies: one file each; a file put here is found without being named anywhere else."""
