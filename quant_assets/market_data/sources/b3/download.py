"""Downloading files that change on a server: only what changed, resumed, and whole or not at all.

Here lives the transfer of one file over HTTP. Which files are wanted is said by publication.py, and
of companies by b3_actions/fetch.py; what is in them is looked at by the parser. A file comes into
place by a rename, after its length and its content have been checked: what lies under its name is
always whole.
"""

import os
import time
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit, urlunsplit

from quant_assets.market_data.sources.b3.manifest import Entry, Manifest
from quant_assets.market_data.sources.base import SourceError
from quant_assets.settings_sources import Downloads

if TYPE_CHECKING:
    import requests

State = Literal["downloaded", "unchanged", "absent"]

_CHUNK = 1 << 18
# What the server or the network may yet mend.
_TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
_ABSENT = (404, 410)
_LONGEST_WAIT = 120.0
_MEGABYTE = 1_000_000


class DownloadError(SourceError):
    """A file that could not be fetched; what was there before is still there."""


@dataclass(frozen=True)
class Progress:
    """How far a download is: bytes that are here, and how many it will be if the server said so."""

    name: str
    done: int
    total: int | None

    def __str__(self) -> str:
        of = f" of {self.total / _MEGABYTE:.1f}" if self.total is not None else ""
        return f"{self.name}: {self.done / _MEGABYTE:.1f}{of} MB"


class RefusedError(SourceError):
    """The server does not give a file, and will not if it is asked again."""


class _TryError(Exception):
    """One try that failed; `wait` is how long the server asked to be left alone."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


def _silent(progress: Progress) -> None:
    """Progress that nobody looks at."""


def archive_fault(path: Path) -> str | None:
    """What is wrong with an archive, None if every member has its checksum."""
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        return f"no whole ZIP archive: {error}"
    return None if broken is None else f"no whole ZIP archive: {broken} is damaged"


@dataclass(frozen=True)
class Delivery:
    """What a server delivers.

    Attributes:
        address: of a file's name, below the base address.
        fault: what is wrong with a file that came, None if it is whole.
        setting: where the base address is set, for messages.
    """

    address: Callable[[str], str] = str
    fault: Callable[[Path], str | None] = archive_fault
    setting: str = "source.downloads"


ARCHIVES = Delivery()


class Downloader:
    """Fetches files of a server into a folder here.

    Args:
        settings: where from, how often, how patiently.
        folder: where the files are put; it is made if need be.
        manifest: what is known of the files that are there.
        on_progress: told while bytes come.
        sleep: waits between tries.
        delivery: what the files are like, by default ZIP archives under their own names.
    """

    def __init__(
        self,
        settings: Downloads,
        folder: Path,
        manifest: Manifest,
        on_progress: Callable[[Progress], None] = _silent,
        sleep: Callable[[float], None] = time.sleep,
        delivery: Delivery = ARCHIVES,
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._manifest = manifest
        self._on_progress = on_progress
        self._sleep = sleep
        self._delivery = delivery

    def fetch(self, name: str) -> State:
        """Bring a file up to date.

        A try that brought new bytes does not count: a long file over a bad line goes on as long as
        it gets longer.

        Raises:
            DownloadError: all tries failed; the message has the last reason.
            RefusedError: the server refuses.
        """
        with self._manifest.lock(name, seconds=-1):  # two processes would write one file
            return self._fetch(name)

    def _fetch(self, name: str) -> State:
        import requests
        import urllib3

        faults = 0
        best = 0
        with requests.Session() as session:
            while True:
                try:
                    return self._try(session, name)
                except (
                    _TryError,
                    requests.RequestException,
                    urllib3.exceptions.HTTPError,
                ) as fault:
                    here = self._begun(name)[0]
                    faults = 1 if here > best else faults + 1
                    best = max(best, here)
                    if faults >= self._settings.attempts:
                        raise DownloadError(
                            f"{self._url(name)}: {faults} tries in a row failed; the last one: "
                            f"{_told(fault)}. What was downloaded before is kept; try again later, "
                            f"or correct {self._delivery.setting}"
                        ) from None
                    asked = fault.wait if isinstance(fault, _TryError) else None
                    wait = self._settings.backoff_seconds * 2.0 ** (faults - 1)
                    self._sleep(min(max(wait, asked or 0.0), _LONGEST_WAIT))

    def _try(self, session: "requests.Session", name: str) -> State:
        path = self._folder / name
        known = None
        if path.exists():
            known = self._manifest.current(path) or self._manifest.note(path)
        begun = self._begun(name)
        headers = {"Accept-Encoding": "identity"}  # lengths are those of the file
        if begun[0]:
            headers |= {"Range": f"bytes={begun[0]}-", "If-Range": begun[1]}
        elif known is not None and known.url == self._url(name):
            headers |= {"If-None-Match": known.etag} if known.etag else {}
            headers |= {"If-Modified-Since": known.last_modified} if known.last_modified else {}
        with closing(
            session.get(
                self._address(name),
                headers=headers,
                stream=True,
                timeout=self._settings.timeout_seconds,
            )
        ) as answer:
            return self._take(answer, name, known, begun[0])

    def _take(
        self,
        answer: "requests.Response",
        name: str,
        known: Entry | None,
        begun: int,
    ) -> State:
        """What an answer means, and its body where it has one that is wanted."""
        status = answer.status_code
        if status in _ABSENT:
            return "absent"
        if status == 304 and known is not None:
            return "unchanged"
        if status == 416:
            self._drop(name)
            raise _TryError("the server has not the rest of the file; begun anew")
        if status in _TRANSIENT:
            raise _TryError(f"status {status} {answer.reason}", _asked_wait(answer))
        if status not in (200, 206):
            raise RefusedError(
                f"{self._url(name)}: the server refuses: status {status} {answer.reason}; correct "
                f"{self._delivery.setting}.base_url"
            )
        origin = self._origin(answer, name)
        if status == 200 and known is not None and self._is_here(name, origin, known):
            self._manifest.note(self._folder / name, origin)
            return "unchanged"
        start = 0
        if status == 206:
            start = begun
            if not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
                self._drop(name)
                raise _TryError(f"a part was sent that does not begin at byte {start}")
        self._write(answer, name, start, origin)
        self._finish(name, origin)
        return "downloaded"

    def _is_here(self, name: str, origin: Entry, known: Entry) -> bool:
        """Whether the edition that the server offers is the one that is here.

        A file that somebody else put here is of no known edition: that it is as long, and whole,
        has to do.
        """
        if known.url == origin.url:
            return _same_edition(origin, known)
        return origin.size == known.size and self._delivery.fault(self._folder / name) is None

    def _origin(self, answer: "requests.Response", name: str) -> Entry:
        headers = answer.headers
        total = _total(answer)
        return Entry(
            size=-1 if total is None else total,
            mtime_ns=0,
            sha256="",
            url=self._url(name),
            etag=headers.get("ETag"),
            last_modified=headers.get("Last-Modified"),
        )

    def _write(self, answer: "requests.Response", name: str, start: int, origin: Entry) -> None:
        """Append the body to the file that is being made; its length must be the one announced."""
        self._folder.mkdir(parents=True, exist_ok=True)
        partial, note = self._partial(name), self._validator(name)
        # A weak validator promises no equal bytes: If-Range may not use it.
        strong = origin.etag if origin.etag and not origin.etag.startswith("W/") else None
        validator = strong or origin.last_modified
        if start == 0:
            self._drop(name)
            if validator:
                note.write_text(validator, encoding="utf-8")
        total = origin.size if origin.size >= 0 else None
        done = start
        with partial.open("ab" if start else "wb") as out:
            # read1 hands over what has come, so that nothing is lost where the line breaks
            while chunk := answer.raw.read1(_CHUNK):
                out.write(chunk)
                done += len(chunk)
                self._on_progress(Progress(name, done, total))
        if total is not None and done != total:
            raise _TryError(f"{done:,} bytes came of {total:,}")

    def _finish(self, name: str, origin: Entry) -> None:
        """Check what came, put it in place, note where it came from."""
        partial = self._partial(name)
        fault = self._delivery.fault(partial)
        if fault is not None:
            self._drop(name)
            raise _TryError(f"what came is {fault}")
        with partial.open("rb") as made:
            os.fsync(made.fileno())
        partial.replace(self._folder / name)
        self._drop(name)
        self._manifest.note(self._folder / name, origin)

    def _begun(self, name: str) -> tuple[int, str]:
        """How many bytes are here of an earlier try, and what says of which edition they are.

        Bytes of no known edition are of no use, and count as none.
        """
        partial, note = self._partial(name), self._validator(name)
        if not (partial.exists() and note.exists()):
            return 0, ""
        return partial.stat().st_size, note.read_text(encoding="utf-8")

    def _drop(self, name: str) -> None:
        for path in (self._partial(name), self._validator(name)):
            path.unlink(missing_ok=True)

    def _partial(self, name: str) -> Path:
        return self._folder / f".{name}.part"

    def _validator(self, name: str) -> Path:
        return self._folder / f".{name}.edition"

    def _address(self, name: str) -> str:
        return f"{self._settings.base_url}/{self._delivery.address(name)}"

    def _url(self, name: str) -> str:
        """The address for people: a password in it is not told."""
        parts = urlsplit(self._address(name))
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, parts.query, ""))


def _told(fault: Exception) -> str:
    """What went wrong, without the address that the library repeats in it."""
    if isinstance(fault, _TryError):
        return str(fault)
    cause = fault.args[0] if fault.args else fault
    return f"{type(fault).__name__}: {getattr(cause, 'reason', cause)}"


def _total(answer: "requests.Response") -> int | None:
    """The length of the whole file, if the server says it."""
    if answer.status_code == 206:
        text = answer.headers.get("Content-Range", "").rpartition("/")[2]
    else:
        text = answer.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() else None


def _same_edition(origin: Entry, known: Entry) -> bool:
    """Whether a server that knows no conditions offers what was downloaded before."""
    if origin.size >= 0 and origin.size != known.size:
        return False
    if origin.etag and known.etag:
        return origin.etag == known.etag
    return bool(
        origin.last_modified and origin.last_modified == known.last_modified and origin.size >= 0
    )


def _asked_wait(answer: "requests.Response") -> float | None:
    """The seconds of a `Retry-After`."""
    from urllib3.exceptions import InvalidHeader
    from urllib3.util import Retry

    value = answer.headers.get("Retry-After")
    try:
        return None if value is None else Retry().parse_retry_after(value)
    except InvalidHeader:
        return None
