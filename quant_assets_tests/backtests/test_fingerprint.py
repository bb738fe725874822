"""The hash of data: the same for equal data, another for any other."""

import subprocess
import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest

from quant_assets.backtests.fingerprint import fingerprint


@dataclass(frozen=True)
class Data:
    names: np.ndarray
    days: np.ndarray
    values: np.ndarray | None = None


DAYS = np.array(["2020-01-02", "2020-01-03"], "datetime64[D]")
DATA = Data(np.array(["A", "BC"], object), DAYS, np.array([[1.0, np.nan], [3.0, 4.0]]))
FORTRAN = replace(DATA, values=np.asfortranarray(DATA.values))


def test_equal_data_have_one_hash_in_every_process() -> None:
    here = fingerprint("rules", DATA, {"b": DAYS, "a": None})
    assert here == fingerprint("rules", FORTRAN, {"a": None, "b": DAYS.copy()})
    assert len(here) == 16
    script = (
        "from quant_assets_tests.backtests.test_fingerprint import *\n"
        "print(fingerprint('rules', DATA, {'b': DAYS, 'a': None}))"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert told.stdout.strip() == here


OTHERS = {
    "a text": ("rule", DATA),
    "order": (DATA, "rules"),
    "parts joined": ("rulesA", DATA),
    "a value": ("rules", replace(DATA, values=np.array([[1.0, np.nan], [3.0, 5.0]]))),
    "shape": ("rules", replace(DATA, values=np.array([[1.0, np.nan, 3.0, 4.0]]))),
    "type": ("rules", replace(DATA, days=DAYS.astype(np.int64))),
    "names cut elsewhere": ("rules", replace(DATA, names=np.array(["AB", "C"], object))),
    "nothing there": ("rules", replace(DATA, values=None)),
    "nothing and no text": ("rules", replace(DATA, values=None), ""),
    "an empty array": ("rules", replace(DATA, values=np.zeros((0, 2)))),
    "a mapping": ("rules", {"names": DATA.names, "days": DAYS, "value": DATA.values}),
}


@pytest.mark.parametrize("case", OTHERS)
def test_other_data_have_another_hash(case: str) -> None:
    hashes = {name: fingerprint(*parts) for name, parts in OTHERS.items()}
    hashes["the data"] = fingerprint("rules", DATA)
    assert list(hashes.values()).count(hashes[case]) == 1


def test_what_has_no_fingerprint_is_refused() -> None:
    with pytest.raises(TypeError, match="no fingerprint is defined of list"):
        fingerprint([1.0])
