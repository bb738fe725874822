"""Looking for new and changed objects under a prefix of S3, a bounded number of requests a look.

Belongs here: listing. Not here: what the files are to us (files.py), and what a change asks for
(orchestration/sensors.py).

S3 lists keys in order, at most 1,000 a request, and shows an object once its upload is complete.
A prefix of up to PAGES such requests is looked through at each look. A larger one is looked through
in turns: a look goes on where the last one ended, and besides looks behind the last key that is
known, for that is where a vendor's dated names arrive.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from quant_assets.market_data.sources.base import SourceError
from quant_assets.warehouse.s3 import SCHEME, refusal, split_bucket

PAGES = 10
PAGE = 1000  # the most that S3 gives at once


@dataclass(frozen=True)
class Prefix:
    """Objects whose address begins with `address`, of which those count that are `wanted`."""

    address: str
    wanted: Callable[[str], bool]


@dataclass
class Look:
    """What a look has seen.

    Attributes:
        stamps: address -> what differs when an object does: ETag, size and time of change.
        spans: (after, until) in addresses: all between was seen, the second end included; None is
            the end of the prefix.
        resume: address after which the next look goes on, "" where it begins anew.
    """

    stamps: dict[str, list[str | int]] = field(default_factory=dict)
    spans: list[tuple[str, str | None]] = field(default_factory=list)
    resume: str = ""

    def saw(self, address: str) -> bool:
        """Whether an object of this address would have been seen."""
        return any(
            after < address and (until is None or address <= until) for after, until in self.spans
        )


def look_at(
    client: Any,
    prefix: Prefix,
    resume: str = "",
    last_known: str = "",
    pages: int = PAGES,
    page: int = PAGE,
) -> Look:
    """One look at a prefix.

    Args:
        client: boto3's for S3.
        prefix: where to look.
        resume: where the last look ended.
        last_known: the last address, in order, that is known.
        pages: requests for a turn, and as many again for what lies behind `last_known`.
        page: objects asked for at once.

    Raises:
        SourceError: S3 does not list the objects; the message says why.
    """
    look = Look()
    ended = _turn(client, prefix, look, resume, pages, page)
    if ended is not None:
        look.resume = ended
        if last_known > ended:
            _turn(client, prefix, look, last_known, pages, page)
    return look


def _turn(client: Any, prefix: Prefix, look: Look, after: str, pages: int, page: int) -> str | None:
    """Looks through what lies after an address; where it ended, None for the end of the prefix."""
    at = after
    for _ in range(pages):
        entries, more = _page(client, prefix.address, at, page)
        for address, stamp in entries:
            at = address
            if prefix.wanted(address):
                look.stamps[address] = stamp
        if not more:
            look.spans.append((after, None))
            return None
    look.spans.append((after, at))
    return at


def _page(
    client: Any, address: str, after: str, count: int
) -> tuple[list[tuple[str, list[str | int]]], bool]:
    """The next objects in order, and whether there are more."""
    from botocore.exceptions import (  # type: ignore[import-untyped]
        BotoCoreError,
        ClientError,
    )

    bucket, key = split_bucket(address)
    start = {"StartAfter": split_bucket(after)[1]} if after else {}
    try:
        answer = client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=count, **start)
    except (ClientError, BotoCoreError) as error:
        raise SourceError(
            f"{address}: cannot be listed: {refusal(error)}. Check the address, the network, and "
            f"that the credentials allow s3:ListBucket"
        ) from error
    return list(_stamped(bucket, answer)), bool(answer.get("IsTruncated"))


def _stamped(bucket: str, answer: dict[str, Any]) -> Iterator[tuple[str, list[str | int]]]:
    for entry in answer.get("Contents", []):
        changed = entry["LastModified"].isoformat()
        yield f"{SCHEME}{bucket}/{entry['Key']}", [entry["ETag"].strip('"'), entry["Size"], changed]
