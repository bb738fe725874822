"""Readers of comma-separated files: a subclass names columns and what they mean.

Belongs here: the way from a block of a file to a piece of the common form. Not here: any vendor's
columns or codes.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import numpy as np
import pyarrow as pa

from quant_assets.market_data.order_book.csv_blocks import Block, read_blocks
from quant_assets.market_data.order_book.files import DayFile
from quant_assets.market_data.order_book.readers.base import SCHEMAS, Piece, Reader, Request
from quant_assets.market_data.order_book.readers.fields import Fields
from quant_assets.market_data.order_book.rejections import UNKNOWN_CODE

Values = dict[str, np.ndarray | pa.Array]
# The different symbols, None for what is no symbol, and the position of each row's among them.
Symbols = tuple[list[str | None], np.ndarray]


class TableReader(Reader):
    """A reader of tables; `columns` are those that it needs, with their types.

    `header` names all columns of files that do not do so in their first line.
    """

    columns: ClassVar[Mapping[str, pa.DataType]]
    header: ClassVar[Sequence[str] | None] = None

    @abstractmethod
    def symbols(self, fields: Fields) -> Symbols:
        """The symbols of the rows."""

    @abstractmethod
    def values(self, fields: Fields) -> Values:
        """Every other column of the common form, each of shape (rows,)."""

    def read(self, file: DayFile, request: Request) -> Iterator[Piece]:
        """See Reader."""
        with file.open() as stream:
            for block in read_blocks(stream, file.name, self.columns, self.header):
                yield self._piece(block, file.name, request)

    def _piece(self, block: Block, file: str, request: Request) -> Piece:
        judgement = block.judgement()
        fields = Fields(block, judgement, request)
        symbols, positions = self.symbols(fields)
        unknown = np.array([symbol is None for symbol in symbols], bool)[positions]
        judgement.reject(unknown, "symbol", UNKNOWN_CODE)
        wanted = np.ones(len(block.rows), bool)
        if request.symbols is not None:
            asked = [symbol is None or symbol in request.symbols for symbol in symbols]
            wanted = np.array(asked, bool)[positions]
        values = self.values(fields)
        values["symbol"] = pa.DictionaryArray.from_arrays(positions, pa.array(symbols, pa.string()))
        rejected = judgement.rejected(file, block.rows, block.record, among=wanted)
        kept = np.flatnonzero(judgement.kept & wanted)
        table, lines = self.table(values, kept)
        return Piece(
            table,
            block.rows[lines],
            pa.concat_tables([block.rejected, rejected]),
            others=int((~wanted).sum()),
            empty=len(kept) - int(np.count_nonzero(np.diff(lines, prepend=-1))),
        )

    def table(self, values: Values, kept: np.ndarray) -> tuple[pa.Table, np.ndarray]:
        """The common form of the rows at the positions `kept`.

        Returns:
            the table, and for each of its rows the position in the block that it comes from,
            ascending.
        """
        schema = SCHEMAS[self.content]
        table = pa.table({field.name: pa.array(values[field.name]) for field in schema})
        whole = len(kept) == table.num_rows
        return (table if whole else table.take(pa.array(kept))).cast(schema), kept
