"""Walk-forward searches: windows, stored studies, workers that share one, workers that die."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from quant_assets.backtests.strategies.base import StrategyError
from quant_assets.backtests.sweeps.optimization import Optimization, followed, optimization
from quant_assets.backtests.sweeps.page import search_page
from quant_assets.backtests.sweeps.search import Search, measures_of, open_study, work
from quant_assets.backtests.sweeps.studies import StudyPlace, open_place
from quant_assets.backtests.sweeps.trial import Trial
from quant_assets.backtests.sweeps.windows import walk_forward
from quant_assets.settings_files import ConfigError
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.backtests.sweeps import worker
from quant_assets_tests.backtests.sweeps.postgres import cluster
from quant_assets_tests.backtests.sweeps.samples import Slow
from quant_assets_tests.backtests.sweeps.worker import search_of
from quant_assets_tests.end_to_end.browser import Page


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server of its own."""
    with cluster(tmp_path_factory) as address:
        yield address


def started(storage: str, folder: Path, seconds: float, trials: int) -> "subprocess.Popen[str]":
    """A worker as a process."""
    arguments = [storage, str(folder / "study.journal"), str(folder / "log"), str(seconds)]
    return subprocess.Popen(
        [sys.executable, "-m", worker.__name__, *arguments, str(trials)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip


def ended(process: "subprocess.Popen[str]") -> list[int]:
    """What a worker says it did: sets run, repeated, recovered."""
    out, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    return [int(word) for word in out.split()]


def lines(folder: Path) -> list[str]:
    """The sets that were run, in order."""
    return (folder / "log").read_text().splitlines()


def result_of(search: Search, place: StudyPlace) -> Optimization:
    work(search, place)
    return optimization(search, place)


def test_windows_follow_one_another_with_an_embargo() -> None:
    windows = walk_forward(start=10, sessions=100, training=30, embargo=5, test=20)
    assert [(w.train, w.test) for w in windows] == [
        (slice(10, 40), slice(45, 65)),
        (slice(30, 60), slice(65, 85)),
        (slice(50, 80), slice(85, 100)),
    ]
    assert len(walk_forward(10, 94, 30, 5, 20)) == 2  # nine sessions are less than half
    with pytest.raises(StrategyError, match=r"needs 30 training sessions.* Got 40 sessions"):
        walk_forward(10, 50, 30, 5, 20)


def test_each_window_chooses_by_its_training_sessions_alone(tmp_path: Path) -> None:
    search = search_of()
    found = result_of(search, open_place(None, tmp_path / "study.journal"))
    assert len(found.windows) == 3
    for each in found.windows:
        assert len(each.tried) == 6
        assert each.key is not None
        best = max(m.train[each.place] for m in each.tried.values())
        assert each.in_sample == each.tried[each.key].train[each.place] == best
        assert each.out_of_sample == each.tried[each.key].test[each.place]
    # The measures are those of the set's own returns over these sessions.
    from quant_assets.performance.metrics import metrics

    first = found.windows[0]
    parameters = search.evaluation.strategy.parse(first.parameters)
    returns = search.evaluation.returns([parameters])[:, 0]
    rows = search.windows[0].test
    assert first.out_of_sample == pytest.approx(
        metrics(np.nan_to_num(returns[rows]), risk_free=0.02)["sharpe"]
    )
    # One account follows the choices: in the first window it earns what the chosen set earns.
    np.testing.assert_allclose(found.returns[rows][2:], returns[rows][2:])
    assert np.isnan(found.returns[: rows.start - 1]).all()
    assert found.rows == slice(rows.start, 260)


def test_a_window_that_cannot_choose_goes_on_with_the_choice_before(tmp_path: Path) -> None:
    search = search_of(2)
    found = list(result_of(search, open_place(None, tmp_path / "study.journal")).windows)
    found[1] = replace(found[1], key=None)
    weights = followed(search, found)
    parameters = search.evaluation.strategy.parse(found[0].parameters)
    expected = search.evaluation.strategy.target_weights(search.evaluation.data, parameters)
    rows = slice(found[0].window.test.start - 1, found[1].window.test.stop - 1)
    np.testing.assert_array_equal(weights[rows], expected[rows])
    none = followed(search, [replace(each, key=None) for each in found])
    assert np.isnan(none).all()


def test_what_is_suggested_does_not_depend_on_later_sessions(tmp_path: Path) -> None:
    whole = search_of(days=260)
    cut = search_of(days=220)
    assert whole.windows[0] == cut.windows[0]
    tried = []
    for k, search in enumerate((whole, cut)):
        place = open_place(None, tmp_path / f"{k}.journal")
        work(search, place)
        tried.append(
            [m.parameters for m in measures_of(open_study(place, search.name, 0)).values()]
        )
    assert whole.name != cut.name
    assert tried[0] == tried[1]


def test_the_page_shows_every_set_before_and_after(tmp_path: Path, opened: Page) -> None:
    found = result_of(search_of(), open_place(None, tmp_path / "study.journal"))
    file = tmp_path / "search.html"
    file.write_text(search_page(found, "Crossing", "Test market"), encoding="utf-8")
    opened.open(file.as_uri())
    shown = opened.view.evaluate(
        "QA.data().cloud.map(group => group.points.map(point => point.slice(0, 2)))"
    )
    dots = opened.view.evaluate("document.querySelectorAll('#cloud circle').length")
    assert opened.errors == []
    sets = [(each, key, m) for each in found.windows for key, m in each.tried.items()]
    for chosen, points in zip((False, True), shown, strict=True):
        expected = [
            (m.train[each.place], m.test[each.place])
            for each, key, m in sets
            if (key == each.key) is chosen
        ]
        np.testing.assert_allclose(points, expected, rtol=1e-3)
    assert dots == len(sets) + 2  # and the legend


def test_tables(tmp_path: Path) -> None:
    found = result_of(search_of(), open_place(None, tmp_path / "study.journal"))
    for table, name in (
        (found.table(), "optimization"),
        (found.trials_table(), "optimization_trials"),
    ):
        schema_of(name).validate(table)
    assert found.table()["trials"].to_pylist() == [6, 6, 6]
    assert found.trials_table().num_rows == 18
    starts, ends = (found.table()[name].to_pylist() for name in ("test_start", "test_end"))
    assert all(end < start for end, start in zip(ends, starts[1:], strict=False))


def test_a_study_that_is_done_runs_nothing_again(tmp_path: Path) -> None:
    search, place = search_of(), open_place(None, tmp_path / "study.journal")
    first = work(search, place)
    assert len(first.trials) == optimization(search, place).sets
    assert len({trial.key for trial, _ in first.trials}) == len(first.trials)
    again = work(search, open_place(None, tmp_path / "study.journal"))
    assert (again.trials, again.repeated, again.recovered) == ([], 0, 0)


def test_trials_are_told_window_by_window_and_again_when_a_study_is_resumed(
    tmp_path: Path,
) -> None:
    """A run that is killed between its study and the ledger loses none for the next."""
    search, told = search_of(), [list[Trial](), list[Trial]()]
    for each in told:
        done = work(search, open_place(None, tmp_path / "study.journal"), each.extend)
        assert len(done.trials) == (len(told[0]) if each is told[0] else 0)
    keys = [trial.key for trial in told[0]]
    assert (
        len(keys)
        == len(set(keys))
        == optimization(search, open_place(None, tmp_path / "study.journal")).sets
    )
    assert [t.to_record() for t in told[1]] == [t.to_record() for t in told[0]]


def test_other_measures_another_study() -> None:
    search = search_of()
    market = search.evaluation
    same = replace(search, fixed={"side": "long", "share": 1})
    assert same.name == search.name  # these are the defaults

    class Edited(type(market.strategy)):  # type: ignore[misc]
        """Stands in another file."""

    others = [
        replace(search, fixed={"share": 0.5}),
        *(
            replace(search, evaluation=replace(market, **change))
            for change in (
                {"risk_free": market.risk_free + 0.01},
                {"benchmark": None},
                {"annualization": 365},
                {"rules": "other"},
                {"strategy": Edited()},
            )
        ),
    ]
    assert len({each.name for each in (search, *others)}) == 1 + len(others)


def test_a_line_that_was_half_written_is_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "study.journal"
    work(search_of(3), open_place(None, file))
    whole = file.read_bytes()
    file.write_bytes(whole[:-25])
    work(search_of(3), open_place(None, file))
    work(search_of(4), open_place(None, file))
    found = optimization(search_of(4), open_place(None, file))
    assert [len(each.tried) for each in found.windows] == [4, 4, 4]


def test_more_trials_go_on_where_the_study_ended(tmp_path: Path) -> None:
    parts, place = [], open_place(None, tmp_path / "study.journal")
    for trials in (3, 6):
        parts.append(work(search_of(trials), place))
    assert {len(each.tried) for each in optimization(search_of(6), place).windows} == {6}
    keys = [trial.key for part in parts for trial, _ in part.trials]
    assert len(set(keys)) == len(keys)


def test_an_exhausted_space_ends_the_search(tmp_path: Path) -> None:
    from quant_assets.backtests.sweeps.spaces import axes_of

    axes = axes_of(Slow(), {"fast": [2, 4], "slow": [3, 8]})
    search = replace(search_of(), axes=axes, trials=50)
    found = result_of(search, open_place(None, tmp_path / "study.journal"))
    assert [len(each.tried) for each in found.windows] == [3, 3, 3]


def test_processes_share_a_journal_and_run_no_set_twice(tmp_path: Path) -> None:
    workers = [started("journal", tmp_path, 0.02, 6) for _ in range(3)]
    counts = [ended(each) for each in workers]
    ran = lines(tmp_path)
    assert sum(count[0] for count in counts) == len(ran) == len(set(ran))
    place = open_place(None, tmp_path / "study.journal")
    found = optimization(search_of(6), place)
    assert [len(each.tried) for each in found.windows] == [6, 6, 6]
    assert found.sets == len(ran)


def test_a_killed_worker_s_trial_is_taken_again(tmp_path: Path) -> None:
    undisturbed = result_of(search_of(4), open_place(None, tmp_path / "other.journal"))
    victim = started("journal", tmp_path, 60, 4)
    _until_it_runs(tmp_path, victim)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    interrupted = lines(tmp_path)
    assert len(interrupted) == 1
    count = ended(started("journal", tmp_path, 0, 4))
    ran = lines(tmp_path)
    assert count[2] == 1  # the interrupted set was put up again …
    assert ran.count(interrupted[0]) == 2  # … and run from its start
    assert len(set(ran)) == len(ran) - 1 == count[0]
    found = optimization(search_of(4), open_place(None, tmp_path / "study.journal"))
    assert [e.parameters for e in found.windows] == [e.parameters for e in undisturbed.windows]
    assert [list(e.tried) for e in found.windows] == [list(e.tried) for e in undisturbed.windows]


def test_a_living_worker_s_trial_is_waited_for(tmp_path: Path) -> None:
    first = started("journal", tmp_path, 1.0, 1)
    _until_it_runs(tmp_path, first)
    second = ended(started("journal", tmp_path, 0, 1))
    assert ended(first)[2] == second[2] == 0
    assert len(set(lines(tmp_path))) == len(lines(tmp_path))


def test_processes_share_a_postgres_server(postgres: str, tmp_path: Path) -> None:
    victim = started(postgres, tmp_path, 60, 3)
    _until_it_runs(tmp_path, victim)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    counts = [ended(each) for each in [started(postgres, tmp_path, 0.05, 3) for _ in range(2)]]
    ran = lines(tmp_path)
    assert sum(count[2] for count in counts) == 1
    assert len(ran) - 1 == len(set(ran)) == sum(count[0] for count in counts)
    search, place = search_of(3), open_place(postgres, tmp_path / "unused")
    assert [len(each.tried) for each in optimization(search, place).windows] == [3, 3, 3]
    assert (work(search, place).trials, list(tmp_path.glob("unused*"))) == ([], [])


def test_an_address_of_another_kind() -> None:
    with pytest.raises(ConfigError, match=r"must be postgresql.* Got mysql://… instead"):
        open_place("mysql://user:secret@host/db", Path("unused"))


def _until_it_runs(folder: Path, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 60
    while not (folder / "log").exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)
