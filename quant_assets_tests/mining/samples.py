"""Runs of factors for tests of what is said of them: planted settings, planted links."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from quant_assets.mining.runs import FactorRun, frame_of

START = datetime(2024, 1, 2, 12, tzinfo=UTC)


def run(number: int, seconds: float | None = 10.0, **further: Any) -> FactorRun:
    """A run that began `number` hours after START; by default an execution of alpha001."""
    started = further.pop("started", START + timedelta(hours=number))
    values: dict[str, Any] = {
        "source": "step_functions",
        "factor": "alpha001",
        "status": "SUCCEEDED",
        "thread_no": 1,
        "parallel_m": 1,
    } | further
    ended = None if seconds is None else started + timedelta(seconds=seconds)
    return FactorRun(
        batch=f"{started.date()}.test",
        run_id=values.pop("run_id", f"run-{number}-{values['factor']}-{values['status']}"),
        market="us",
        started=started,
        ended=values.pop("ended", ended),
        seconds=seconds,
        **values,
    )


def frame(runs: Sequence[FactorRun]) -> pa.Table:
    """Runs as rows of factor_runs, each with an id of its own."""
    return frame_of(runs)


def grid(
    factors: Sequence[str] = ("alpha001", "alpha002"),
    threads: Sequence[int] = (1, 2, 4),
    parts: Sequence[int] = (1, 2),
    runs: int = 8,
    seed: int = 3,
) -> pa.Table:
    """Every setting of every factor run so often; more threads help, more parts cost a little."""
    rng = np.random.default_rng(seed)
    found: list[FactorRun] = []
    for f, factor in enumerate(factors):
        for thread_no in threads:
            for parallel_m in parts:
                usual = (20.0 + 15.0 * f) / thread_no**0.7 * (1.0 + 0.1 * (parallel_m - 1))
                for k in range(runs):
                    failed = bool(rng.random() < 0.04 * parallel_m)
                    found.append(
                        run(
                            len(found),
                            float(usual * np.exp(rng.normal(0, 0.1))),
                            run_id=f"{factor}-{thread_no}-{parallel_m}-{k}",
                            factor=factor,
                            thread_no=thread_no,
                            parallel_m=parallel_m,
                            rows=5000,
                            status="FAILED" if failed else "SUCCEEDED",
                            error="NoMemory" if failed else None,
                            memory_mb=200.0 + 50.0 * parallel_m,
                            host="node-1",
                        )
                    )
    return frame(found)
