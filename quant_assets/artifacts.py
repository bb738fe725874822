"""Artefacts: trained models and pages to read, in a folder or under a prefix on S3.

Belongs here: putting, getting and finding files by name, each whole or not at all. Not here: what
is in them, and tables (warehouse).

A name is relative, with `/` between its parts: `us/tear_sheet/low_volatility/tear_sheet.html`.
"""

import mimetypes
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from quant_assets.warehouse.s3 import SCHEME, is_absent, is_s3, open_client, refusal, split_address


class ArtifactError(OSError):
    """An artefact that could not be written, read or listed; the message says where and why."""


class Artifacts(Protocol):
    """Files by name. Any number of processes may read and write: the last writer of a name wins."""

    def address(self, name: str) -> str:
        """Where a file lies, or would lie: a path, or `s3://…`; "" is the place of them all."""

    def put(self, name: str, content: bytes | str) -> str:
        """Writes a file in place of the one that was there, in one step; its address.

        A text is written as UTF-8. A reader finds the old file or the new one, whole, also when
        the writer is killed.

        Raises:
            OSError: it could not be written; the old file is as it was.
        """

    def get(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            FileNotFoundError: there is none of this name.
        """

    def names(self, folder: str = "") -> list[str]:
        """The names of all files in a folder and the folders in it, sorted."""

    def remove(self, name: str) -> None:
        """Removes a file; an absent one is no error."""


def open_artifacts(root: str, client: Any = None) -> Artifacts:
    """The artefacts at `root`: a local folder (made when first written) or `s3://bucket/prefix`.

    Args:
        root: the place.
        client: boto3's client for S3; by default one with the environment's credentials.
    """
    if is_s3(root):
        return S3Artifacts(root, client or open_client())
    if "://" in root:
        raise ValueError(f"artefacts must lie in a folder or on s3://bucket/prefix. Got {root!r}")
    return LocalArtifacts(Path(root).expanduser().absolute())


class LocalArtifacts:
    """A local folder. Files are written beside their place, synced to disk and renamed into it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def address(self, name: str) -> str:
        """See Artifacts."""
        return str(self.root / _checked(name))

    def put(self, name: str, content: bytes | str) -> str:
        """See Artifacts."""
        data = _encoded(content)
        path = self.root / _checked(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        try:
            with beside.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        return str(path)

    def get(self, name: str) -> bytes:
        """See Artifacts."""
        return (self.root / _checked(name)).read_bytes()

    def names(self, folder: str = "") -> list[str]:
        """See Artifacts; hidden files, which are being written, are left out."""
        found = (self.root / _checked(folder)).rglob("*")
        return sorted(
            path.relative_to(self.root).as_posix()
            for path in found
            if not path.name.startswith(".") and path.is_file()
        )

    def remove(self, name: str) -> None:
        """See Artifacts."""
        (self.root / _checked(name)).unlink(missing_ok=True)


class S3Artifacts:
    """A prefix of an S3 bucket. One request puts an object, so it is there whole or not at all."""

    def __init__(self, root: str, client: Any) -> None:
        self._bucket, self._prefix = split_address(root)
        self._client = client

    def __repr__(self) -> str:
        return f"S3Artifacts({self.address('')!r})"

    def address(self, name: str) -> str:
        """See Artifacts."""
        return f"{SCHEME}{self._bucket}/{self._key(name)}"

    def put(self, name: str, content: bytes | str) -> str:
        """See Artifacts."""
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        text = f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
        with _told(self.address(name), "written", "s3:PutObject"):
            self._client.put_object(
                Bucket=self._bucket, Key=self._key(name), Body=_encoded(content), ContentType=text
            )
        return self.address(name)

    def get(self, name: str) -> bytes:
        """See Artifacts."""
        with _told(self.address(name), "read", "s3:GetObject"):
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key(name))
            content: bytes = answer["Body"].read()
        return content

    def names(self, folder: str = "") -> list[str]:
        """See Artifacts."""
        within = self._key(folder)
        prefix = f"{within}/" if within else ""
        base = len(self._prefix) + 1 if self._prefix else 0
        with _told(self.address(folder), "listed", "s3:ListBucket"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix
            )
            keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return sorted(key[base:] for key in keys if not key.endswith("/"))

    def remove(self, name: str) -> None:
        """See Artifacts."""
        with _told(self.address(name), "removed", "s3:DeleteObject"), suppress(FileNotFoundError):
            self._client.delete_object(Bucket=self._bucket, Key=self._key(name))

    def _key(self, name: str) -> str:
        checked = _checked(name)
        return "/".join(part for part in (self._prefix, checked) if part)


@contextmanager
def _told(address: str, what: str, permission: str) -> Iterator[None]:
    """Errors of boto3 within the block become ours, with the address and what can be done."""
    from botocore.exceptions import (  # type: ignore[import-untyped]
        BotoCoreError,
        ClientError,
    )

    try:
        yield
    except (ClientError, BotoCoreError) as error:
        if is_absent(error):
            raise FileNotFoundError(f"there is no {address}") from error
        raise ArtifactError(
            f"{address} could not be {what}: {refusal(error)}. "
            f"Check the address, the network, and that the credentials allow {permission}"
        ) from error


def _checked(name: str) -> str:
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or (name and "/".join(parts) != name):
        raise ValueError(f"a name must be relative, such as us/page.html. Got {name!r} instead")
    return name


def _encoded(content: bytes | str) -> bytes:
    return content.encode() if isinstance(content, str) else content
