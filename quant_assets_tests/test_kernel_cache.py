"""The cache of kernels: what was compiled of other helpers or constants is never run again."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numba.core import caching, config

from quant_assets import compiled
from quant_assets.kernel_cache import digest

KERNELS = """
import numpy as np
from quant_assets.compiled import helper, kernel
from made_up import constants, deeper
from made_up.helpers import SHIFT, scaled

@helper
def own(x):
    return deeper.moved(x) + constants.ADDED

@kernel("float64(float64[::1])")
def total(values):
    result = 0.0
    for i in range(values.size):
        result += scaled(own(values[i])) + SHIFT[0]
    return result
"""
HELPERS = """
import numpy as np
from quant_assets.compiled import helper, helper_as_written

SHIFT = np.array([0.0, 1.0])

@helper
def scaled(x, factor=2.0):
    return factor * x
"""
DEEPER = """
from quant_assets.compiled import helper
from made_up import constants

@helper
def moved(x):
    def lowered(y):
        return y - constants.LOWERED

    return lowered(x) if x in (1.0, 2.0) else x + constants.RAISED
"""
CONSTANTS = "ADDED = 1\nRAISED = 0\nLOWERED = 0.5\nOTHER = 1\n"

Make = Callable[..., ModuleType]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Writes a package of kernels, parts of it replaced, and imports it as a new process would."""
    folder = tmp_path / "made_up"
    folder.mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(compiled, "_kernels", [])
    files = {"some": KERNELS, "helpers": HELPERS, "deeper": DEEPER, "constants": CONSTANTS}

    def make(old: str = "", new: str = "") -> ModuleType:
        assert any(old in source for source in files.values())
        for name, source in files.items():
            path, text = folder / f"{name}.py", source.replace(old, new) if old else source
            if not path.exists() or path.read_text() != text:
                path.write_text(text)
        for name in [each for each in sys.modules if each.startswith("made_up")]:
            monkeypatch.delitem(sys.modules, name)
        importlib.invalidate_caches()
        return importlib.import_module("made_up.some")

    return make


def compilations(module: ModuleType) -> int:
    return sum(module.total.stats.cache_misses.values())


def test_what_was_compiled_of_another_helper_is_not_run(make: Make) -> None:
    """The file of the kernel itself stays as it is: numba alone would run the code of before."""
    values = np.array([3.0, 4.0])
    first = make()
    assert first.total(values) == 18.0
    assert compilations(first) == 1
    again = make()
    assert again.total(values) == 18.0
    assert compilations(again) == 0
    other = make("factor * x", "3.0 * x")
    assert other.total(values) == 27.0
    assert compilations(other) == 1
    back = make()
    assert back.total(values) == 18.0
    assert compilations(back) == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("factor * x", "factor + x"),
        ("LOWERED = 0.5", "LOWERED = 0.25"),
        ("RAISED = 0", "RAISED = 1"),
        ("(1.0, 2.0)", "(1.0, 3.0)"),
        ("x + constants", "constants"),
        ("factor=2.0", "factor=2.5"),
        ("ADDED = 1\n", "ADDED = 1.0\n"),
        ("[0.0, 1.0]", "[0.0, 2.0]"),
        ("[0.0, 1.0]", "[[0.0, 1.0]]"),
        ("@helper\ndef scaled", "@helper_as_written\ndef scaled"),
        ('[::1])")', '[::1])", regrouped=False)'),
        ('[::1])")', '[::1])", counted=False)'),
        ("result = 0.0", "result = 0"),
    ],
)
def test_a_digest_names_all_that_a_kernel_is_made_of(make: Make, old: str, new: str) -> None:
    before = digest(make().total)
    assert digest(make(old, new).total) != before
    assert digest(make().total) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("OTHER = 1", "OTHER = 2"),
        ("ADDED = 1", "# A comment.\nADDED = 1"),
        ("\n@helper\ndef moved", "\n\n\n@helper\ndef moved"),
    ],
)
def test_what_a_kernel_does_not_name_changes_no_digest(make: Make, old: str, new: str) -> None:
    assert digest(make().total) == digest(make(old, new).total)


def test_every_kernel_has_a_digest_of_its_own() -> None:
    for module in compiled.MODULES:
        importlib.import_module(module)
    digests = [digest(kernel) for kernel, _ in compiled.kernels()]
    assert len(set(digests)) == len(digests)


def test_what_cannot_be_told_is_refused_by_name(make: Make) -> None:
    with pytest.raises(TypeError, match=r"some\.py:\d+: own names \{\}, a dict; kernels"):
        digest(make("ADDED = 1\n", "ADDED = {}\n").total)


@pytest.mark.parametrize(
    ("owner", "name"),
    [(caching.FunctionCache, "_index_key"), (caching.IndexDataCacheFile, "_load_index")],
)
def test_a_numba_that_caches_in_another_way_is_refused(
    make: Make, monkeypatch: pytest.MonkeyPatch, owner: type, name: str
) -> None:
    """Without caches every process would compile for minutes; with old ones results are wrong."""
    while not vars(owner).get(name):
        owner = owner.__mro__[1]
    monkeypatch.delattr(owner, name)
    with pytest.raises(RuntimeError, match=r"numba [\d.]+ keeps compiled code in a way"):
        make()
