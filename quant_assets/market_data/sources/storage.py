"""Finding and opening files of vendors, local or on s3://, through one file-system layer.

Here live paths, folders and globs. What is in the files is the business of tabular.py.
"""

import fnmatch
from pathlib import PurePosixPath
from typing import NamedTuple

import pyarrow as pa
import pyarrow.fs as pafs

from quant_assets.market_data.sources.base import NoFilesError, SourceError
from quant_assets.warehouse.storage import open_filesystem

FORMATS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".csv.bz2": "csv",
    ".csv.zst": "csv",
    ".txt": "csv",
    ".txt.gz": "csv",
}
_WILD = "*?["


class SourceFile(NamedTuple):
    """A file as it lay there when listed; a changed file has another size or time."""

    path: str
    size: int
    mtime_ns: int


class Storage:
    """The place a path points to: a file, a folder (read with its subfolders) or a glob.

    A glob's `*`, `?` and `[…]` match within one component of the path. Names that begin with a dot
    or an underscore are left out unless the path says them: half-written files and markers are
    named so.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._scheme = path.partition("://")[0] if "://" in path else ""
        if self._scheme not in ("", "s3"):
            raise SourceError(f"{path}: files are read from local paths and from s3://, no other")
        try:
            self.filesystem, self._pattern = open_filesystem(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise SourceError(f"{path}: cannot be opened as a place for files: {error}") from error

    @property
    def location(self) -> str:
        """The place, written as the paths of its files are: local ones absolute."""
        return self._full(self._pattern)

    def files(self, any_suffix: bool, leave_out: frozenset[str] = frozenset()) -> list[SourceFile]:
        """The files of the place, by path.

        Args:
            any_suffix: in folders, take every file instead of those with a suffix of FORMATS.
            leave_out: locations of files that are something else.

        Raises:
            NoFilesError: nothing is there.
        """
        # what is there under just this name is meant, also if the name has a wildcard's sign in it
        found = self._listed(any_suffix) or self._globbed()
        files = [
            SourceFile(self._full(info.path), info.size or 0, info.mtime_ns or 0) for info in found
        ]
        files = sorted(file for file in files if file.path not in leave_out)
        if not files:
            raise self.nothing_there()
        return files

    def nothing_there(self) -> NoFilesError:
        """What is said of a place without files."""
        return NoFilesError(
            f"{self.path}: no file matches; put Parquet or CSV files there, or correct the path"
        )

    def listed_from(self, any_suffix: bool) -> str:
        """The text with which the path of every file of the place begins, for S3 to list by.

        With `any_suffix` a name may be a folder's or a file's: longer names begin with it, too.
        """
        wild = next((i for i, sign in enumerate(self._pattern) if sign in _WILD), None)
        if wild is not None:
            return self._full(self._pattern[:wild])
        folder = format_of(self._pattern) is None and not any_suffix
        return self._full(f"{self._pattern}/" if folder else self._pattern)

    def wants(self, path: str, any_suffix: bool) -> bool:
        """Whether a file of this path is one of the place."""
        bare = self._bare(path)
        own = bare == self._pattern or self._in_folder(bare, any_suffix) or self._in_glob(bare)
        return own and not bare.endswith("/")

    def relative(self, path: str) -> str:
        """A file's name within the place, the same on every machine."""
        inside = PurePosixPath(self._bare(path))
        base = PurePosixPath(self._fixed_part())
        if inside == base or base not in inside.parents:
            return inside.name
        return str(inside.relative_to(base))

    def open_file(self, path: str) -> pa.NativeFile:
        """A file for random access."""
        return self.filesystem.open_input_file(self._bare(path))

    def open_stream(self, path: str) -> pa.NativeFile:
        """A file from its beginning, decompressed by its suffix."""
        return self.filesystem.open_input_stream(self._bare(path))

    def _full(self, path: str) -> str:
        return f"{self._scheme}://{path}" if self._scheme else path

    def _bare(self, path: str) -> str:
        return path.partition("://")[2] if self._scheme else path

    def _fixed_part(self) -> str:
        """The leading components without wildcards: where a glob begins to look."""
        parts = self._pattern.split("/")
        count = next((i for i, p in enumerate(parts) if any(s in p for s in _WILD)), len(parts))
        return "/".join(parts[:count]) or "/"

    def _globbed(self) -> list[pafs.FileInfo]:
        fixed = self._fixed_part()
        deep = len(PurePosixPath(self._pattern).parts) - len(PurePosixPath(fixed).parts) > 1
        selector = pafs.FileSelector(fixed, allow_not_found=True, recursive=deep)
        return [info for info in self._infos(selector) if self._in_glob(info.path)]

    def _in_glob(self, bare: str) -> bool:
        parts, pattern = PurePosixPath(bare).parts, PurePosixPath(self._pattern).parts
        return len(parts) == len(pattern) and all(map(_matches, parts, pattern))

    def _listed(self, any_suffix: bool) -> list[pafs.FileInfo]:
        (info,) = self._infos([self._pattern])
        if info.type == pafs.FileType.File:
            return [info]
        if info.type == pafs.FileType.NotFound:
            return []
        found = self._infos(pafs.FileSelector(self._pattern, recursive=True))
        return [info for info in found if self._in_folder(info.path, any_suffix)]

    def _in_folder(self, bare: str, any_suffix: bool) -> bool:
        base, path = PurePosixPath(self._pattern), PurePosixPath(bare)
        if base not in path.parents:
            return False
        hidden = any(part[0] in "._" for part in path.relative_to(base).parts)
        return not hidden and (any_suffix or format_of(bare) is not None)

    def _infos(self, what: pafs.FileSelector | list[str]) -> list[pafs.FileInfo]:
        try:
            infos = self.filesystem.get_file_info(what)
        except OSError as error:
            raise SourceError(f"{self.path}: cannot be listed: {error}") from error
        if isinstance(what, list):
            return list(infos)
        return [info for info in infos if info.type == pafs.FileType.File]


def _matches(part: str, pattern: str) -> bool:
    hidden = part[0] in "._" and pattern[0] != part[0]
    return not hidden and fnmatch.fnmatchcase(part, pattern)


def format_of(path: str) -> str | None:
    """`parquet` or `csv` by a path's suffix, None for any other."""
    name = path.rsplit("/", 1)[-1].lower()
    return next((kind for suffix, kind in FORMATS.items() if name.endswith(suffix)), None)
