"""qlib's own Alpha158, computed by qlib's engine in its environment.

Called with a folder that holds input.npz, fields of (days, symbols), and options.json: `kernels`,
its processes, and `digits`: "float" writes the fields as qlib's dump_bin does, float32, in which
qlib then computes logarithms, quotients and differences; "double" as float64, read by a storage
class of its own, so that its 158 can be held against ours to 1e-6. Results are float32 in any case.
No cache is used: neither on disk nor in memory.
"""

import json
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import qlib
from qlib.contrib.data.loader import Alpha158DL
from qlib.data import D
from qlib.data.cache import H
from qlib.data.storage.file_storage import FileFeatureStorage

from quant_assets_tests.benchmarks.peers.serving import Server

FIELDS = ("open", "high", "low", "close", "volume", "vwap")
_MODULE = "quant_assets_tests.benchmarks.peers.qlib_factors"


class DoubleFeatureStorage(FileFeatureStorage):
    """Numbers of a field, float64, from the first day of the calendar on; the name says where."""

    def __getitem__(self, days: slice) -> pd.Series:
        first, stop = days.start or 0, days.stop
        values = np.fromfile(self.uri, "<f8")[first:stop]
        return pd.Series(values, index=pd.RangeIndex(first, first + len(values)))


def main(folder: Path) -> None:
    """Write qlib's files, then serve."""
    options = json.loads((folder / "options.json").read_text())
    server = Server()
    store = folder / "qlib"
    with np.load(folder / "input.npz") as file:
        fields = {name: file[name] for name in FIELDS}
    days, symbols = fields["close"].shape
    double = options["digits"] == "double"
    _write(store, fields, double)
    settings: dict[str, Any] = {}
    if double:
        backend = {"class": "DoubleFeatureStorage", "module_path": _MODULE}
        settings["feature_provider"] = {
            "class": "LocalFeatureProvider",
            "module_path": "qlib.data.data",
            "kwargs": {"backend": backend},
        }
    qlib.init(
        provider_uri=str(store),
        kernels=options["kernels"],
        expression_cache=None,
        dataset_cache=None,
        **settings,
    )
    expressions, names = Alpha158DL.get_feature_config()
    last: list[Any] = []

    def run() -> None:
        H.clear()
        last[:] = [D.features(D.instruments("all"), expressions, freq="day", disk_cache=0)]

    def results() -> dict[str, Any]:
        frame = last[0].sort_index()
        values = frame.to_numpy().reshape(symbols, days, len(names))
        return {name: np.ascontiguousarray(values[:, :, k].T) for k, name in enumerate(names)}

    server.serve(run, results, compile_s=0.0, factors=len(names))


def _write(store: Path, fields: dict[str, Any], double: bool) -> None:
    days, symbols = fields["close"].shape
    dates = [(date(2000, 1, 1) + timedelta(k)).isoformat() for k in range(days)]
    for name in ("calendars", "instruments"):
        (store / name).mkdir(parents=True)
    (store / "calendars" / "day.txt").write_text("\n".join(dates) + "\n")
    codes = [f"s{place:05d}" for place in range(symbols)]
    lines = (f"{code}\t{dates[0]}\t{dates[-1]}\n" for code in codes)
    (store / "instruments" / "all.txt").write_text("".join(lines))
    for place, code in enumerate(codes):
        folder = store / "features" / code
        folder.mkdir(parents=True)
        for name, values in fields.items():
            column = values[:, place]
            if double:
                column.astype("<f8").tofile(folder / f"{name}.day.bin")
            else:
                # The first number of a file is the place of its first day in the calendar.
                np.hstack([[0.0], column]).astype("<f4").tofile(folder / f"{name}.day.bin")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
