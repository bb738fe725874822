"""From an exchange's local clock to nanoseconds UTC, and back to its dates.

Belongs here: the arithmetic of instants. Not here: how a vendor writes times (readers/).
"""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

NANOSECONDS_A_SECOND = 1_000_000_000
NANOSECONDS_A_DAY = 86_400 * NANOSECONDS_A_SECOND


def to_utc(day: date, since_midnight: np.ndarray, timezone: str) -> np.ndarray:
    """Instants of a local clock on one day, as int64 nanoseconds since 1970 UTC, shape (rows,).

    Args:
        day: the local date.
        since_midnight: nanoseconds on the wall clock, int64, shape (rows,).
        timezone: the exchange's.
    """
    midnight = np.datetime64(day, "ns").astype(np.int64)
    local = pa.array((since_midnight + midnight).view("datetime64[ns]"))
    # The hour that a change to winter time repeats is taken as its first passing; no exchange with
    # such clocks is open then.
    known = pc.assume_timezone(local, timezone, ambiguous="earliest", nonexistent="earliest")
    instants: np.ndarray = known.cast(pa.int64()).to_numpy()
    return instants


def local_days(instants: np.ndarray, timezone: str) -> np.ndarray:
    """The local date of each instant (int64 nanoseconds UTC), as `datetime64[D]`, shape (rows,)."""
    stamps = pa.array(instants.view("datetime64[ns]")).cast(pa.timestamp("ns", timezone))
    days: np.ndarray = pc.local_timestamp(stamps).to_numpy(zero_copy_only=False)
    return days.astype("datetime64[D]")


def stamps(instants: np.ndarray) -> pa.Array:
    """Int64 nanoseconds UTC as an Arrow column."""
    return pa.array(instants, pa.int64()).cast(pa.timestamp("ns", "UTC"))
