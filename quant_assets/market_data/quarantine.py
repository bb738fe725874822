"""Quarantine: the rejected rows as a table, each with its reason, in words, and where it came from.

Here lives the bookkeeping about rejected rows only. Which rows are rejected is decided in
quality.py, by the rules of rules.py.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from quant_assets.market_data.rules import ROW_RULES, Rows
from quant_assets.warehouse.schemas import schema_of

_QUARANTINE = schema_of("quarantine").arrow


@dataclass(frozen=True)
class Rejected:
    """Rows that were rejected, among all rows of the input.

    Attributes:
        raw: the input (base.RAW_SCHEMA).
        rows: the same as arrays.
        order: positions of the rejected rows, in the order of the table.
        broken: rule -> boolean over all rows.
        partner: for each row the row whose key it repeats, -1 for none.
    """

    raw: pa.Table
    rows: Rows
    order: np.ndarray
    broken: dict[str, np.ndarray]
    partner: np.ndarray

    def reasons(self) -> list[str]:
        """For each rejected row the first rule that it breaks."""
        if not len(self.order):
            return []
        names = np.array(list(self.broken), dtype=object)
        masks = np.array([mask[self.order] for mask in self.broken.values()])
        found: list[str] = names[np.argmax(masks, axis=0)].tolist()
        return found

    def table(self) -> pa.Table:
        """The rows in the schema `quarantine`."""
        taken = self.raw.take(pa.array(self.order))
        reasons = self.reasons()
        data = {
            "date": taken["session"],
            "row_date": taken["date"],
            "symbol": taken["symbol"],
            **{
                name: pa.array(_finite(self.rows.values[name][self.order]), from_pandas=True)
                for name in ("open", "high", "low", "close", "volume")
            },
            "reason": pa.array(reasons, pa.string()),
            "detail": pa.array(self._details(reasons), pa.string()),
            "file": taken["file"].cast(pa.string()),
            "row": taken["row"],
        }
        return pa.table(data, schema=_QUARANTINE)

    def _details(self, reasons: list[str]) -> list[str]:
        others = self.raw.select(["file", "row"]).take(
            pa.array(np.maximum(self.partner[self.order], 0))
        )
        files, numbers = others["file"].cast(pa.string()).to_pylist(), others["row"].to_pylist()
        details = []
        for place, (row, reason) in enumerate(zip(self.order.tolist(), reasons, strict=True)):
            where = f"{files[place]} row {numbers[place]}"
            if reason == "duplicate_key":
                details.append(f"the same as {where}")
            elif reason == "conflicting_duplicate":
                details.append(f"disagrees with {where} on {self._difference(row)}")
            else:
                also = [name for name, mask in self.broken.items() if mask[row] and name != reason]
                detail = ROW_RULES[reason].detail(self.rows, row)
                details.append(f"{detail}; also {', '.join(also)}" if also else detail)
        return details

    def _difference(self, row: int) -> str:
        found = []
        for name, values in self.rows.values.items():
            mine, its = values[row], values[self.partner[row]]
            if mine != its and not (np.isnan(mine) and np.isnan(its)):
                found.append(f"{name} ({mine:.10g} against {its:.10g})")
        return ", ".join(found)


def _finite(values: np.ndarray) -> np.ndarray:
    """Infinite values as missing: no table of the warehouse holds them; the detail names them."""
    return np.where(np.isfinite(values), values, np.nan)
