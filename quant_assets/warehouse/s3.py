"""How S3 is reached: address, region, credentials; the same for every library that talks to it.

Belongs here: what the environment says of S3, addresses, and boto3's client. Not here: what lies
on S3 (storage.py, artifacts.py, market_data/sources).

Nothing of ours reads, keeps or hands on a credential. boto3, pyarrow's file system and chDB's `s3`
function each find them by AWS's own chain: AWS_ACCESS_KEY_ID and its companions, else the profile
AWS_PROFILE of the shared files, else the role of the machine. So they all act as the same user,
and no setting, view, resource or message of ours has a secret to lose.
"""

import logging
import os
from typing import Any

SCHEME = "s3://"
# At level DEBUG these write requests with their headers, a session's token among them.
_TALKATIVE = ("botocore.auth", "botocore.endpoint")
_TRIES = 5


def is_s3(address: str) -> bool:
    """Whether a path lies on S3."""
    return address.startswith(SCHEME)


def split_bucket(address: str) -> tuple[str, str]:
    """(bucket, key) of `s3://bucket/key`, the key as it stands there; it may be empty."""
    bucket, _, key = address.removeprefix(SCHEME).partition("/")
    if not is_s3(address) or not bucket:
        raise ValueError(f"an address on S3 must be s3://bucket/prefix. Got {address!r} instead")
    return bucket, key


def split_address(address: str) -> tuple[str, str]:
    """(bucket, prefix) of `s3://bucket/prefix`; the prefix has no slash at its end."""
    bucket, key = split_bucket(address)
    return bucket, key.rstrip("/")


def s3_endpoint() -> str:
    """The address of the S3 service, buckets follow in the path: AWS's own unless one is set."""
    found = region()
    aws = f"https://s3.{found}.amazonaws.com" if found else "https://s3.amazonaws.com"
    return (own_endpoint() or aws).rstrip("/")


def own_endpoint() -> str | None:
    """The address of a service that is not AWS's own, None for AWS."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None


def region() -> str | None:
    """The region that the environment names."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or None


def open_client() -> Any:
    """A boto3 client for S3, for use outside of a Dagster run."""
    from boto3.session import Session  # type: ignore[import-untyped]
    from botocore.config import Config  # type: ignore[import-untyped]

    keep_quiet()
    retries = Config(retries={"max_attempts": _TRIES, "mode": "standard"})
    return Session().client("s3", region_name=region(), endpoint_url=own_endpoint(), config=retries)


def keep_quiet() -> None:
    """Keeps boto3 from logging what is secret, whatever level others have set."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.INFO)


def refusal(error: Exception) -> str:
    """What S3, or the way to it, said: code and sentence, never the request."""
    response = getattr(error, "response", {}).get("Error", {})
    code, message = response.get("Code"), response.get("Message")
    if code is None:
        return str(error)
    return f"{message or 'no reason given'} ({code})"


def is_absent(error: Exception) -> bool:
    """Whether S3 says that there is no such object."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code")
    return code in ("NoSuchKey", "404", "NotFound")
