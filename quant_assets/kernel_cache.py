"""Where compiled kernels are kept on disk, and for what they hold good.

numba looks at the file of a kernel alone: were a helper or a constant of another file changed, it
would load the machine code of before, silently. Here a kernel is found in its cache only under a
digest of all that the compiler is given: its byte code and that of its helpers, how each of them is
compiled, and every constant they name, as they stand in memory, which is what a process runs even
where files have changed since it began.

All else is numba's: where caches lie (NUMBA_CACHE_DIR, else beside the source, else the user's
cache folder), what of processor and version they hold good for, and that the caches of a file begin
anew when the file has other contents (before numba 0.68: another time or size).
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from types import CodeType, ModuleType
from typing import Any

import numpy as np
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.dispatcher import Dispatcher

_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), np.generic)


def keep_on_disk(kernel: Any) -> None:
    """Let a kernel be loaded from its cache, and written to it."""
    if not (
        hasattr(FunctionCache, "_index_key")
        and hasattr(IndexDataCacheFile, "_load_index")
        and hasattr(kernel, "_cache")
    ):
        import numba

        raise RuntimeError(
            f"numba {numba.__version__} keeps compiled code in a way that is not known here: old "
            "code could be run unnoticed; install a version in which numba.core.caching has "
            "FunctionCache._index_key and IndexDataCacheFile._load_index, such as 0.68"
        )
    kernel._cache = _Cache(kernel)


def is_kept(kernel: Any, signature: str) -> bool:
    """Whether the cache has this kernel, made of what it is made of now."""
    cache = kernel._cache
    key = cache._index_key(signature, kernel.targetctx.codegen())
    return key in cache._cache_file._load_index()


class _Cache(FunctionCache):
    """numba's, in which a kernel is found by what it is made of, too."""

    def __init__(self, kernel: Any) -> None:
        super().__init__(kernel.py_func)
        self._kernel = kernel

    def _index_key(self, signature: Any, codegen: Any) -> tuple[Any, ...]:
        return (*super()._index_key(signature, codegen), self._digest)

    @cached_property
    def _digest(self) -> str:
        return digest(self._kernel)  # only now: a kernel may stand above its helpers


def digest(kernel: Any) -> str:
    """Of all that the code of a kernel is made of.

    Raises:
        TypeError: it names something of which is not known what of it the compiler takes in.
    """
    hashed = hashlib.sha256(np.__version__.encode())
    for part in _Parts(kernel):
        hashed.update(part.encode() + b"\n")
    return hashed.hexdigest()


class _Parts:
    """What the compiler is given for a kernel, as texts in an order that is always the same.

    Names of attributes cannot be told from those of globals: a global that has the name of an
    attribute counts, too. Only too much can be counted so, never too little.
    """

    def __init__(self, kernel: Any) -> None:
        self._helpers = [kernel]
        self._looked_up: set[tuple[ModuleType, tuple[str, ...]]] = set()

    def __iter__(self) -> Iterator[str]:
        for each in self._helpers:  # grows meanwhile
            for name, value in sorted(each.targetoptions.items()):
                yield f"{name}={sorted(value) if isinstance(value, set) else value!r}"
            try:
                yield from self._function(each.py_func)
            except TypeError as error:
                code = each.py_func.__code__
                raise TypeError(
                    f"{code.co_filename}:{code.co_firstlineno}: {each.__name__} names {error}; "
                    "kernels may name helpers, modules, numbers, texts, tuples of them, arrays, "
                    "types and functions of numpy and math"
                ) from error

    def _function(self, function: Callable[..., Any]) -> Iterator[str]:
        yield from self._values(function.__defaults__ or ())
        yield from self._values(cell.cell_contents for cell in function.__closure__ or ())
        yield from self._code(function.__code__, function.__globals__)

    def _code(self, code: CodeType, known: dict[str, Any]) -> Iterator[str]:
        yield f"{code.co_argcount} {code.co_flags} {code.co_code.hex()}"
        yield code.co_exceptiontable.hex()
        yield f"{code.co_names} {code.co_varnames} {code.co_cellvars} {code.co_freevars}"
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                yield from self._code(constant, known)
            else:
                yield from self._value(constant)
        yield from self._named(known, code.co_names)

    def _named(self, known: dict[str, Any], names: tuple[str, ...]) -> Iterator[str]:
        for name in names:
            if name in known:
                yield name
                yield from self._value(known[name], names)

    def _values(self, values: Iterable[Any]) -> Iterator[str]:
        for value in values:
            yield from self._value(value)

    def _value(self, value: Any, names: tuple[str, ...] = ()) -> Iterator[str]:
        """One value; of a module those that have one of the names."""
        if isinstance(value, _PLAIN):
            yield f"{type(value).__name__} {value!r}"
        elif isinstance(value, Dispatcher):
            if value not in self._helpers:
                self._helpers.append(value)
            yield f"helper {self._helpers.index(value)}"
        elif isinstance(value, tuple):
            yield f"{type(value).__qualname__} {len(value)} {getattr(value, '_fields', '')}"
            yield from self._values(value)
        elif isinstance(value, frozenset):
            yield f"{sorted(map(repr, value))}"
        elif isinstance(value, np.ndarray) and not value.dtype.hasobject:
            yield f"{value.dtype.descr} {value.shape} {value.strides} {value.tobytes().hex()}"
        elif isinstance(value, ModuleType):
            yield value.__name__
            if not _is_numeric(value.__name__) and (value, names) not in self._looked_up:
                self._looked_up.add((value, names))
                yield from self._named(vars(value), names)
        elif isinstance(value, type):
            yield f"{value.__module__}.{value.__qualname__} {getattr(value, '_fields', '')}"
        elif isinstance(value, np.ufunc) or _is_numeric(getattr(value, "__module__", None)):
            yield f"function {value.__name__}"
        else:
            raise TypeError(f"{value!r}, a {type(value).__name__}")


def _is_numeric(module: str | None) -> bool:
    """Whether it is one whose functions numba has in versions of its own."""
    return (module or "").partition(".")[0] in ("math", "numpy")
