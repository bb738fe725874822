"""Fixtures of the sources' tests: the S3 service of the warehouse's tests."""

from quant_assets_tests.warehouse.conftest import s3_root

__all__ = ["s3_root"]
