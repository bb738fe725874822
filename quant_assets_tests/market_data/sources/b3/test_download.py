"""Downloads from a server that misbehaves: what lies in the folder is whole, old or new."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from quant_assets.market_data.sources.b3.download import (
    Downloader,
    DownloadError,
    Progress,
    RefusedError,
)
from quant_assets.market_data.sources.b3.manifest import Manifest, checksum
from quant_assets.settings_sources import Downloads
from quant_assets_tests.market_data.sources.b3.samples import zipped
from quant_assets_tests.market_data.sources.b3.servers import (
    Body,
    Cut,
    Fault,
    Length,
    Server,
    Stall,
    Status,
    WrongRange,
    etag,
    serving,
)

NAME = "COTAHIST_A2024.ZIP"
# Random digits do not deflate below a half: a body of many packets.
OLD, NEW = (zipped(random.Random(seed).randbytes(650_000).hex().encode()) for seed in (1, 2))


@pytest.fixture
def server() -> Iterator[Server]:
    with serving({NAME: OLD}) as server:
        yield server


class Client:
    """A downloader into a folder, with its waits noted and not waited."""

    def __init__(self, server: Server, folder: Path, attempts: int = 4) -> None:
        self.folder = folder
        self.waits: list[float] = []
        self.progress: list[Progress] = []
        self.manifest = Manifest(folder / ".parsed")
        settings = Downloads(
            base_url=server.url, attempts=attempts, timeout_seconds=0.3, backoff_seconds=1
        )
        self.downloader = Downloader(
            settings, folder, self.manifest, self.progress.append, self.waits.append
        )

    def fetch(self) -> str:
        return self.downloader.fetch(NAME)

    @property
    def content(self) -> bytes:
        return (self.folder / NAME).read_bytes()

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def client(server: Server, tmp_path: Path) -> Client:
    return Client(server, tmp_path)


def test_a_file_is_downloaded_and_noted(client: Client) -> None:
    assert client.fetch() == "downloaded"
    assert client.content == OLD
    assert client.names == [".parsed", NAME]
    entry = client.manifest.entries()[NAME]
    assert (entry.size, entry.sha256) == (len(OLD), checksum(client.folder / NAME))
    assert entry.etag == etag(OLD)
    assert entry.url is not None
    assert entry.url.endswith(f"/{NAME}")
    assert [p.done for p in client.progress] == sorted(p.done for p in client.progress)
    assert client.progress[-1] == Progress(NAME, len(OLD), len(OLD))
    assert client.waits == []


def test_what_has_not_changed_is_not_downloaded_again(server: Server, client: Client) -> None:
    client.fetch()
    sent = server.sent
    assert client.fetch() == "unchanged"
    assert server.sent == sent
    assert server.asked[-1][1]["If-None-Match"] == etag(OLD)


@pytest.mark.parametrize("editions", [True, False])
def test_a_server_without_conditions_is_compared(
    server: Server, client: Client, editions: bool
) -> None:
    server.conditions = False
    client.fetch()
    server.editions = editions
    shown = len(client.progress)
    assert client.fetch() == ("unchanged" if editions else "downloaded")
    assert (len(client.progress) == shown) is editions


def test_what_has_changed_is_downloaded(server: Server, client: Client) -> None:
    client.fetch()
    server.files[NAME] = NEW
    assert client.fetch() == "downloaded"
    assert client.content == NEW
    assert client.manifest.entries()[NAME].etag == etag(NEW)


def test_a_file_that_was_spoiled_here_is_downloaded_again(server: Server, client: Client) -> None:
    client.fetch()
    (client.folder / NAME).write_bytes(OLD[:1000])
    assert client.fetch() == "downloaded"
    assert client.content == OLD


def test_a_file_that_somebody_put_there_is_kept_if_it_is_as_long(
    server: Server, client: Client
) -> None:
    (client.folder / NAME).write_bytes(OLD)
    assert client.fetch() == "unchanged"
    assert client.progress == []
    assert client.fetch() == "unchanged"
    assert server.asked[-1][1]["If-None-Match"] == etag(OLD)


def test_a_damaged_file_that_somebody_put_there_is_not_kept(client: Client) -> None:
    (client.folder / NAME).write_bytes(OLD[:5000] + b"x" * 50 + OLD[5050:])
    assert client.fetch() == "downloaded"
    assert client.content == OLD


def test_what_is_not_published_is_absent(client: Client) -> None:
    assert client.downloader.fetch("COTAHIST_A1900.ZIP") == "absent"
    assert client.names == [".parsed"]


FAULTS: dict[str, list[Fault]] = {
    "errors of the server": [Status(500), Status(503), Status(502)],
    "no answer in time": [Stall(1.0)],
    "silence in the middle": [Stall(1.0, after=300_000)],
    "a cut body": [Cut(200_000), Cut(100_000), Cut(50_000), Cut(1)],
    "an answer without a body": [Cut(0)],
    "a length too great": [Length(10)],
    "a length too small": [Length(-10)],
    "a page of HTML": [Body(b"<html>try later</html>")],
    "a damaged archive": [Body(OLD[:5000] + b"x" * 50 + OLD[5050:])],
    "a part from elsewhere": [Cut(200_000), WrongRange(7)],
    "the file changes on the way": [Cut(200_000), Body(NEW), Status(500)],
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_that_passes_is_overcome(server: Server, client: Client, case: str) -> None:
    server.faults[NAME] = list(FAULTS[case])
    assert client.fetch() == "downloaded"
    assert client.content == (NEW if "changes" in case else OLD)
    assert client.names == [".parsed", NAME]


@pytest.mark.parametrize("case", [c for c in FAULTS if "changes" not in c])
def test_a_fault_that_stays_is_told_and_leaves_the_old_file(
    server: Server, client: Client, case: str
) -> None:
    client.fetch()
    server.files[NAME] = NEW
    fault = FAULTS[case][-1]
    if isinstance(fault, Cut | WrongRange | Stall):
        server.ranges = False
        fault = Cut(0) if isinstance(fault, WrongRange) else fault
    server.faults[NAME] = [fault] * 40
    with pytest.raises(DownloadError, match=f"{NAME}: 4 tries in a row failed; the last one: "):
        client.fetch()
    assert client.content == OLD
    server.faults.clear()
    assert client.fetch() == "downloaded"
    assert client.content == NEW
    assert client.names == [".parsed", NAME]


def test_a_cut_body_is_resumed(server: Server, client: Client) -> None:
    server.faults[NAME] = [Cut(300_000)] * 9
    client.downloader = Client(server, client.folder, attempts=2).downloader
    assert len(OLD) > 600_000
    assert client.fetch() == "downloaded"
    first, second, *_ = server.requests(NAME)
    assert "Range" not in first
    assert second["Range"] == "bytes=300000-"
    assert second["If-Range"] == etag(OLD)
    assert server.sent == len(OLD)
    assert client.content == OLD


def test_a_download_goes_on_in_another_process(server: Server, client: Client) -> None:
    server.faults[NAME] = [Cut(300_000), Status(500)]
    with pytest.raises(DownloadError):
        Client(server, client.folder, attempts=1).fetch()
    sent = server.sent
    server.faults.clear()
    assert Client(server, client.folder).fetch() == "downloaded"
    assert server.sent == len(OLD)
    assert sent == 300_000
    assert client.content == OLD


def test_a_server_without_ranges_begins_anew(server: Server, client: Client) -> None:
    server.ranges = False
    server.faults[NAME] = [Cut(300_000)]
    assert client.fetch() == "downloaded"
    assert client.content == OLD
    assert server.sent == len(OLD) + 300_000


def test_waits_double_and_heed_the_server(server: Server, client: Client) -> None:
    server.faults[NAME] = [Status(500), Status(503, {"Retry-After": "7"}), Status(429)]
    assert client.fetch() == "downloaded"
    assert client.waits == [1.0, 7.0, 4.0]


def test_a_refusal_is_not_asked_again(server: Server, client: Client) -> None:
    server.faults[NAME] = [Status(403)] * 3
    with pytest.raises(RefusedError, match="the server refuses: status 403 Forbidden; correct"):
        client.fetch()
    assert len(server.asked) == 1


def test_nobody_there_is_told(tmp_path: Path) -> None:
    with serving({}) as server:
        client = Client(server, tmp_path, attempts=2)
    with pytest.raises(DownloadError, match="2 tries in a row failed; the last one: Connect"):
        client.fetch()


def test_a_password_is_not_told(tmp_path: Path) -> None:
    settings = Downloads(base_url="http://user:secret@127.0.0.1:9", attempts=1, timeout_seconds=0.2)
    with pytest.raises(DownloadError) as caught:
        Downloader(settings, tmp_path, Manifest(tmp_path)).fetch(NAME)
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)
