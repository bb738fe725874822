"""What every benchmark shares: timing ours and a peer in turn, and printing the results.

Belongs here: the result row, the clock, the command line. Not here: inputs and peers, which each
job's module makes. A job's module ends with::

    if __name__ == "__main__":
        main("warehouse", cases)

where `cases(quick)` yields results, `quick` asking for a small input. Options: `--quick`, and
`--json` for one object a line. The exit code is 1 if any comparison disagreed.
"""

import argparse
import json
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

Timed = tuple[float, Any]


@dataclass(frozen=True)
class Result:
    """One line: seconds of ours and of the peer (None where a case has no peer).

    `ratio` is peer_s / ours_s; `agree` whether the results were compared and are equal within the
    tolerance that the job states; `peak_mb` the most memory the process has held so far.
    """

    job: str
    case: str
    ours_s: float
    peer: str | None
    peer_s: float | None
    ratio: float | None
    agree: bool | None
    peak_mb: float


def best_of(function: Callable[[], Any], repeats: int = 3) -> Timed:
    """(seconds of the fastest of `repeats` calls, result of the last)."""
    return _in_turn([function], repeats)[0]


def compare(
    job: str,
    case: str,
    ours: Callable[[], Any],
    peer: str | None = None,
    theirs: Callable[[], Any] | None = None,
    agree: Callable[[Any, Any], bool] | None = None,
    repeats: int = 3,
) -> Result:
    """Times ours and the peer in turn, `repeats` times each, best counts; compares the results.

    Without a peer, `agree` may still judge the result: it is then called with it and None.
    """
    functions = [ours] if theirs is None else [ours, theirs]
    timed = _in_turn(functions, repeats)
    ours_s, our_result = timed[0]
    peer_s, peer_result = timed[1] if theirs is not None else (None, None)
    return Result(
        job=job,
        case=case,
        ours_s=round(ours_s, 6),
        peer=peer,
        peer_s=None if peer_s is None else round(peer_s, 6),
        ratio=None if peer_s is None else round(peer_s / ours_s, 3),
        agree=None if agree is None else bool(agree(our_result, peer_result)),
        peak_mb=round(peak_mb(), 1),
    )


def peak_mb() -> float:
    """The most resident memory that this process has had, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def main(job: str, cases: Callable[[bool], Iterable[Result]]) -> None:
    """The command line of a job: runs the cases and prints them as they come."""
    parser = argparse.ArgumentParser(prog=f"python -m quant_assets_tests.benchmarks.{job}")
    parser.add_argument("--quick", action="store_true", help="a small case, to see that it works")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    if not options.json:
        print(f"{job} on {platform.machine()}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}")
        head = f"{'ours s':>9} {'peer':>24} {'peer s':>9} {'ratio':>7} {'agree':>6} {'MB':>7}"
        print(f"{'case':44} {head}")
    disagreed = False
    for result in cases(options.quick):
        disagreed = disagreed or result.agree is False
        print(json.dumps(asdict(result)) if options.json else _line(result), flush=True)
    sys.exit(1 if disagreed else 0)


def _in_turn(functions: list[Callable[[], Any]], repeats: int) -> list[Timed]:
    best: list[Timed] = [(float("inf"), None)] * len(functions)
    for _ in range(repeats):
        for position, function in enumerate(functions):
            best[position] = (best[position][0], None)  # its memory serves the next result
            start = time.perf_counter()
            result = function()
            best[position] = (min(best[position][0], time.perf_counter() - start), result)
    return best


def _line(result: Result) -> str:
    def number(value: float | None, digits: int) -> str:
        return "-" if value is None else f"{value:.{digits}f}"

    agree = {True: "yes", False: "NO", None: "-"}[result.agree]
    return (
        f"{result.case:44} {result.ours_s:>9.4f} {result.peer or '-':>24} "
        f"{number(result.peer_s, 4):>9} {number(result.ratio, 1):>7} {agree:>6} "
        f"{result.peak_mb:>7.0f}"
    )
