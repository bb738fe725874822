"""Codes of Chinese securities: one spelling for those of all vendors, and the board of a code.

Here lives what the six digits and the exchange say. Vendors write sh.600000, SH600000, 600000.SH,
600000.XSHG, 600000 or, in files of numbers, 1 for 000001; the platform writes 600000.SH. What is no
such code is left as it is.
"""

import re

import numpy as np
import pyarrow as pa

SHANGHAI, SHENZHEN = "SH", "SZ"  # the ends of their symbols
MAIN, CHINEXT, STAR, BEIJING = "main", "chinext", "star", "beijing"

_EXCHANGES = {
    "SH": "SH",
    "SSE": "SH",
    "XSHG": "SH",
    "SZ": "SZ",
    "SZSE": "SZ",
    "XSHE": "SZ",
    "BJ": "BJ",
    "BSE": "BJ",
    "XBSE": "BJ",
}
_NAMES = "|".join(sorted(_EXCHANGES, key=len, reverse=True))
_BEFORE = re.compile(rf"({_NAMES})[._]?(\d{{6}})", re.IGNORECASE)
_AFTER = re.compile(rf"(\d{{6}})[._]?({_NAMES})", re.IGNORECASE)
_BARE = re.compile(r"\d{1,6}")
_SYMBOL = re.compile(r"\d{6}\.(SH|SZ|BJ)")
# The exchange of a stock or fund by how its digits begin; the longest beginning that fits counts.
_EXCHANGE_OF_STOCK = {
    "0": "SZ",
    "15": "SZ",
    "16": "SZ",
    "18": "SZ",
    "2": "SZ",
    "3": "SZ",
    "4": "BJ",
    "5": "SH",
    "6": "SH",
    "8": "BJ",
    "9": "SH",
    "92": "BJ",
}
# A shares only: B shares, funds, bonds and indices have price limits of their own, or none.
_BOARD_OF_STOCK = {
    "SH": {"60": MAIN, "688": STAR, "689": STAR},
    "SZ": {
        "000": MAIN,
        "001": MAIN,
        "002": MAIN,
        "003": MAIN,
        "004": MAIN,
        "300": CHINEXT,
        "301": CHINEXT,
        "302": CHINEXT,
    },
    "BJ": {
        "43": BEIJING,
        "82": BEIJING,
        "83": BEIJING,
        "87": BEIJING,
        "88": BEIJING,
        "92": BEIJING,
    },
}


def canonical(code: str, exchange: str | None = None) -> str:
    """The code as the platform writes it, `600000.SH`; any other text unchanged.

    Args:
        code: as a vendor writes it.
        exchange: the vendor's name of the exchange, for codes of bare digits. Without it they are
            taken for a stock's or fund's: 000001 is Ping An Bank in Shenzhen, not the index of
            Shanghai.
    """
    text = code.strip()
    if found := _BEFORE.fullmatch(text):
        return f"{found[2]}.{_EXCHANGES[found[1].upper()]}"
    if found := _AFTER.fullmatch(text):
        return f"{found[1]}.{_EXCHANGES[found[2].upper()]}"
    if not _BARE.fullmatch(text):
        return code
    digits = text.zfill(6)
    if exchange is not None:
        place = _EXCHANGES.get(exchange.strip().upper())
    else:
        place = _EXCHANGE_OF_STOCK.get(digits[:2]) or _EXCHANGE_OF_STOCK.get(digits[:1])
    return code if place is None else f"{digits}.{place}"


def listed_symbol(code: str, exchange: str | None = None) -> str | None:
    """`canonical` of a code, None where it is no code of a security.

    Digits must be all six here: where a vendor writes texts, fewer are a damaged code and not a
    number.
    """
    symbol = canonical(code, exchange)
    whole = len(code.strip()) >= len("600000") and _SYMBOL.fullmatch(symbol)
    return symbol if whole else None


def canonical_column(
    codes: pa.ChunkedArray, exchanges: pa.ChunkedArray | None = None
) -> pa.ChunkedArray:
    """`canonical` of every value, null where null; each different code is looked at once.

    Args:
        codes: texts.
        exchanges: texts of the same length, the vendor's exchange of each code.
    """
    pairs: list[tuple[str | None, str | None]]
    texts = codes.combine_chunks().dictionary_encode()
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if exchanges is None:
        known = [canonical(code) for code in texts.dictionary.to_pylist()]
        return pa.chunked_array([pa.array(known, pa.string()).take(texts.indices)], pa.string())
    pairs = list(zip(codes.to_pylist(), exchanges.to_pylist(), strict=True))
    different = {pair: pair[0] and canonical(pair[0], pair[1]) for pair in set(pairs)}
    return pa.chunked_array([pa.array([different[pair] for pair in pairs], pa.string())])


def boards(symbols: pa.ChunkedArray) -> np.ndarray:
    """The board of each symbol (canonical), "" for what is no A share; texts, shape (rows,)."""
    encoded = symbols.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    known = np.array([_board(symbol) for symbol in encoded.dictionary.to_pylist()], object)
    codes: np.ndarray = encoded.indices.to_numpy(zero_copy_only=False)
    return known[codes] if len(codes) else np.empty(0, object)


def _board(symbol: str) -> str:
    digits, _, exchange = symbol.partition(".")
    beginnings = _BOARD_OF_STOCK.get(exchange, {})
    return next((board for begin, board in beginnings.items() if digits.startswith(begin)), "")
