"""Kernels of the COTAHIST parser: bytes of fixed-width records into typed columns.

Here are loops over bytes only; where fields stand is told by the wrapper (cotahist.py), which also
makes tables of what comes out. A kernel judges a whole record: at the first field that cannot be
read the record is marked with it and the rest of its values mean nothing.
"""

import numpy as np

from quant_assets.compiled import helper_as_written, kernel

# What `fault` holds instead of the position of a field.
GOOD, BAD_LENGTH, NO_QUOTE, BAD_DAY = -1, -2, -3, -4
# How a number stands for a missing one: delivered numbers have no sign.
MISSING = -1
# Kinds of numeric fields.
DATE, COUNT, FACTOR = 0, 1, 2

NO_DAY = -(2**31)
RECORD_LENGTH = 245
NO_EXPIRY = 99991231

_ZERO, _BLANK = 48, 32
# A polynomial hash of bytes that stays within 60 bits.
_FACTOR, _BITS = 1000003, (1 << 40) - 1
_NO_DIGITS = -2


@helper_as_written
def _number(data, start, length):  # type: ignore[no-untyped-def]
    """The digits as an integer, MISSING where all are blank, _NO_DIGITS for any other."""
    value = np.int64(0)
    wrong = False
    for place in range(start, start + length):
        digit = np.int64(data[place]) - _ZERO
        wrong |= digit < 0 or digit > 9
        value = value * 10 + digit
    if not wrong:
        return value
    for place in range(start, start + length):
        if data[place] != _BLANK:
            return np.int64(_NO_DIGITS)
    return np.int64(MISSING)


@helper_as_written
def _day(number):  # type: ignore[no-untyped-def]
    """Days since 1970-01-01 of a number YYYYMMDD; NO_DAY where there is no such day."""
    year, month, day = number // 10000, number // 100 % 100, number % 100
    if year < 1 or month < 1 or month > 12 or day < 1:
        return NO_DAY
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if month == 2:
        longest = 29 if leap else 28
    elif month == 4 or month == 6 or month == 9 or month == 11:
        longest = 30
    else:
        longest = 31
    if day > longest:
        return NO_DAY
    # years that begin in March, in eras of 400: Howard Hinnant, "chrono-compatible date algorithms"
    shifted = year - 1 if month <= 2 else year
    era = shifted // 400
    of_era = shifted - era * 400
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


@helper_as_written
def _is_text(data, start, length, optional):  # type: ignore[no-untyped-def]
    """Whether a text has no control characters, and is not blank unless it may be."""
    blank = True
    for place in range(start, start + length):
        byte = data[place]
        if byte < _BLANK or (byte >= 127 and byte < 160):
            return False
        blank &= byte == _BLANK
    return not blank or optional == 1


@kernel(
    "(uint8[::1], int64[::1], int64[::1], int64, int64, int64[:, ::1], int64[:, ::1], "
    "int32[:, ::1], int64[:, ::1], int32[::1])",
    regrouped=False,
)
def parse_records(  # type: ignore[no-untyped-def]
    data, starts, stops, first_day, last_day, numeric, texts, days, numbers, fault
):
    """The numbers of each record, and whether the record can be read.

    Args:
        data: bytes, (n,).
        starts: first byte of each record, (R,).
        stops: byte after its last one, line end excluded, (R,).
        first_day: first day that the records may have, days since 1970-01-01.
        last_day: the last one.
        numeric: a row a numeric field: start, length, kind, optional, row of `days` or `numbers`.
        texts: a row a text field: start, length, optional.
        days: out, (dates, R); NO_DAY for blanks and for what stands for no day.
        numbers: out, (counts and amounts, R); MISSING for blanks.
        fault: out, (R,): GOOD, or why not; text fields are counted on after the numeric ones.
    """
    for record in range(starts.shape[0]):
        start = starts[record]
        if stops[record] - start != RECORD_LENGTH:
            fault[record] = BAD_LENGTH
            continue
        if data[start] != _ZERO or data[start + 1] != _ZERO + 1:
            fault[record] = NO_QUOTE
            continue
        fault[record] = GOOD
        for field in range(numeric.shape[0]):
            kind, optional, out = numeric[field, 2], numeric[field, 3] == 1, numeric[field, 4]
            value = _number(data, start + numeric[field, 0], numeric[field, 1])
            wrong = value < 0 and not (value == MISSING and optional)
            if kind == DATE:
                day = NO_DAY
                if not wrong and not (optional and (value <= 0 or value == NO_EXPIRY)):
                    day = _day(value)
                    wrong = day == NO_DAY
                    if not wrong and not optional and (day < first_day or day > last_day):
                        fault[record] = BAD_DAY
                days[out, record] = day
            else:
                numbers[out, record] = value
                wrong |= kind == FACTOR and value == 0
            if wrong:
                fault[record] = field
            if fault[record] != GOOD:
                break
        for field in range(texts.shape[0]):
            if fault[record] != GOOD:
                break
            if not _is_text(data, start + texts[field, 0], texts[field, 1], texts[field, 2]):
                fault[record] = numeric.shape[0] + field


@kernel(
    "(uint8[::1], int64[::1], int64, int64, int32[::1], int64[::1], int32[::1])", regrouped=False
)
def encode_texts(data, starts, offset, length, slots, firsts, codes):  # type: ignore[no-untyped-def]
    """The texts of one field as codes into the different ones, in the order they come.

    Args:
        data: bytes, (n,).
        starts: first byte of each record, (R,).
        offset: where the field stands in a record.
        length: its length.
        slots: a hash table, all -1, its size a power of two greater than R.
        firsts: out, (R,): for each code the first record that has it.
        codes: out, (R,).

    Returns:
        How many different texts there are.
    """
    count = 0
    mask = slots.shape[0] - 1
    for record in range(starts.shape[0]):
        begin = starts[record] + offset
        mixed = np.int64(0)
        for place in range(begin, begin + length):
            mixed = (mixed * _FACTOR + np.int64(data[place])) & _BITS
        slot = (mixed ^ (mixed >> 20)) & mask
        while True:
            code = slots[slot]
            if code < 0:
                slots[slot] = count
                firsts[count] = record
                codes[record] = count
                count += 1
                break
            other = starts[firsts[code]] + offset
            same = True
            for place in range(length):
                if data[begin + place] != data[other + place]:
                    same = False
                    break
            if same:
                codes[record] = code
                break
            slot = (slot + 1) & mask
    return count
