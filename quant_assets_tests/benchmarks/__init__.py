"""Benchmarks, one module a job: `python -m quant_assets_tests.benchmarks.<job>`."""
