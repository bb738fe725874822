"""Backfills in this process: the runs that a range of the graph needs, and their execution.

Dagster's daemon does the same for a backfill launched in the UI, with half a minute between
layers. How progress is shown is the caller's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

import dagster as dg
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)

from quant_assets.orchestration.failures import first_error, told
from quant_assets.orchestration.interrupts import INTERRUPTS, noticed_interrupts
from quant_assets.orchestration.listener import listening
from quant_assets.orchestration.partitions import MarketPartitions
from quant_assets.settings_files import ConfigError
from quant_assets.warehouse.window import Window

RUN_TAG = "launched_by"
ASSET_JOB = "__ASSET_JOB"

INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Run:
    """One Dagster run: assets and the partitions asked of them, None for unpartitioned assets."""

    keys: tuple[dg.AssetKey, ...]
    partitions: tuple[str, ...] | None

    @property
    def tags(self) -> dict[str, str]:
        """The tags that give a range to the run; none for one partition or none."""
        if self.partitions is None or len(self.partitions) == 1:
            return {}
        return {
            ASSET_PARTITION_RANGE_START_TAG: self.partitions[0],
            ASSET_PARTITION_RANGE_END_TAG: self.partitions[-1],
        }

    @property
    def asset_partitions(self) -> int:
        """How many materializations the run makes when it succeeds."""
        return len(self.keys) * len(self.partitions or ("",))

    def __str__(self) -> str:
        names = ", ".join(key.path[-1] for key in self.keys)
        if self.partitions is None:
            return names
        first, last = self.partitions[0], self.partitions[-1]
        return f"{names} [{first}]" if first == last else f"{names} [{first} … {last}]"


@dataclass(frozen=True)
class Stage:
    """Runs that need nothing of each other, after the stages before it."""

    runs: tuple[Run, ...]

    @property
    def keys(self) -> tuple[dg.AssetKey, ...]:
        """The assets of the stage."""
        return self.runs[0].keys


@dataclass
class Outcome:
    """What became of a run.

    `made` are its assets that were materialized, also if it failed; `lacks` names the assets for
    want of which it was not begun.
    """

    run: Run
    run_id: str | None = None
    made: frozenset[dg.AssetKey] = frozenset()
    error: str | None = None
    lacks: tuple[str, ...] = ()
    interrupted: bool = False

    @property
    def success(self) -> bool:
        """Whether every partition of the run is materialized."""
        return self.error is None and not self.skipped

    @property
    def skipped(self) -> bool:
        """Whether the run was not begun."""
        return bool(self.lacks)


@dataclass
class Report:
    """What became of a backfill."""

    outcomes: list[Outcome] = field(default_factory=list)
    # Ctrl-C ended it: the runs after the last outcome were not begun.
    interrupted: bool = False

    @property
    def success(self) -> bool:
        """Whether every run succeeded."""
        return not self.interrupted and all(outcome.success for outcome in self.outcomes)


def plan(
    repository: dg.RepositoryDefinition,
    market: MarketPartitions,
    selection: dg.AssetSelection,
    window: Window,
) -> list[Stage]:
    """The stages that bring a selection of assets up to date over a range of days.

    Assets of one partitions definition and policy share a run as far as their dependencies allow;
    what has no partition in the range (a month that has not ended, say) is left out.
    """
    graph = repository.asset_graph
    keys = selection.resolve(graph)
    keys = {other for key in keys for other in graph.get(key).execution_set_asset_keys}
    waiting = [key for key in graph.toposorted_asset_keys if key in keys]
    stages: list[Stage] = []
    done: set[dg.AssetKey] = set()
    while waiting:
        group = _ready(graph, waiting, done, keys)
        done.update(group)
        waiting = [key for key in waiting if key not in done]
        node = graph.get(group[0])
        runs = _runs(tuple(group), node.partitions_def, node.backfill_policy, market, window)
        if runs:
            stages.append(Stage(runs))
    return stages


def _ready(
    graph: AssetGraph,
    waiting: Sequence[dg.AssetKey],
    done: set[dg.AssetKey],
    keys: set[dg.AssetKey],
) -> list[dg.AssetKey]:
    """The largest group that can run now as one: of the unpartitioned assets, else of the first."""
    groups = []
    for first in waiting:
        kind = (graph.get(first).partitions_def, graph.get(first).backfill_policy)
        group: list[dg.AssetKey] = []
        for key in waiting:
            node = graph.get(key)
            parents = (set(node.parent_keys) & keys) - done - {key}
            if (node.partitions_def, node.backfill_policy) == kind and parents <= set(group):
                group.append(key)
        if group and kind[0] is None:
            return group
        groups.append(group)
    return max(groups, key=len)


def _runs(
    keys: tuple[dg.AssetKey, ...],
    definition: dg.PartitionsDefinition | None,
    policy: dg.BackfillPolicy | None,
    market: MarketPartitions,
    window: Window,
) -> tuple[Run, ...]:
    if definition is None:
        return (Run(keys, None),)
    partitions = _partitions(definition, market, window)
    if not partitions:
        return ()
    if policy is not None and policy.max_partitions_per_run is None:
        return (Run(keys, partitions),)
    return tuple(Run(keys, (partition,)) for partition in partitions)


def _partitions(
    definition: dg.PartitionsDefinition, market: MarketPartitions, window: Window
) -> tuple[str, ...]:
    """The existing keys of a definition that a window of days touches; every key of others."""
    existing = definition.get_partition_keys()
    if definition == market.daily:
        wanted = {str(day) for day in market.sessions_in(window)}
    elif definition in (market.monthly, market.model_months):
        wanted = set(market.months_in(window))
    elif definition == market.yearly:
        wanted = {str(year) for year in range(window.start.year, window.end.year + 1)}
    else:
        wanted = set(existing)
    return tuple(key for key in existing if key in wanted)


def window_of(market: MarketPartitions, start: date | None, end: date | None) -> Window:
    """The days from `start` to `end`, by default from the market's first to the last that exists.

    Raises:
        ConfigError: the range is empty or reaches beyond the market's partitions.
    """
    name = market.market.name
    existing = market.daily.get_partition_keys()
    if not existing:
        raise ConfigError(f"{name} begins on {market.market.start}: no session has ended yet")
    first, last = date.fromisoformat(existing[0]), date.fromisoformat(existing[-1])
    if start is not None and start < market.market.start:
        raise ConfigError(
            f"--from {start} lies before {name} begins: its first session is {first}. "
            f"Ask from {first}, or set `start` of {name} in markets.yaml"
        )
    if end is not None and end > last:
        raise ConfigError(f"--to {end} lies after the last session that has ended, {last}")
    start, end = start or first, end or last
    if end < start:
        raise ConfigError(f"--to {end} lies before --from {start}")
    window = Window(start, end)
    if not len(market.sessions_in(window)):
        calendar = market.market.calendar
        raise ConfigError(f"nothing to do: {calendar} has no session from {start} to {end}")
    return window


def execute(
    stages: Sequence[Stage],
    repository: dg.RepositoryDefinition,
    instance: dg.DagsterInstance,
    on_start: Callable[[Run], None],
    on_event: Callable[[dg.DagsterEvent], None],
    on_end: Callable[[Outcome], None],
) -> Report:
    """Run the stages one after another.

    A run that fails does not stop the others of its stage; what is downstream of it is run where
    it can use what was there before, and skipped where a direct parent was asked for and no run
    made it. Ctrl-C ends the present run and the backfill.
    """
    graph = repository.asset_graph
    report = Report()

    def one(run: Run, lacks: tuple[str, ...], noticed: Callable[[], bool]) -> Outcome:
        def listen(event: dg.DagsterEvent) -> None:
            on_event(event)
            if event.is_step_start and noticed():
                raise KeyboardInterrupt

        if lacks:
            outcome = Outcome(run, lacks=lacks)
        else:
            on_start(run)
            outcome = _execute(run, repository, instance, listen)
        report.outcomes.append(outcome)
        on_end(outcome)
        if outcome.interrupted or noticed():
            raise KeyboardInterrupt
        return outcome

    broken: set[dg.AssetKey] = set()
    with noticed_interrupts() as noticed:
        try:
            for stage in stages:
                parents = {p for key in stage.keys for p in graph.get(key).parent_keys}
                lacks = tuple(sorted(key.path[-1] for key in parents & broken))
                outcomes = [one(run, lacks, noticed) for run in stage.runs]
                broken.update(stage.keys)
                broken.difference_update(*(outcome.made for outcome in outcomes))
        except KeyboardInterrupt:
            report.interrupted = True
    return report


def _execute(
    run: Run,
    repository: dg.RepositoryDefinition,
    instance: dg.DagsterInstance,
    on_event: Callable[[dg.DagsterEvent], None],
) -> Outcome:
    partition = run.partitions[0] if run.partitions and len(run.partitions) == 1 else None
    try:
        with listening(on_event):
            result = repository.get_job(ASSET_JOB).execute_in_process(
                instance=instance,
                asset_selection=list(run.keys),
                partition_key=partition,
                tags={**run.tags, RUN_TAG: "quant-assets backfill"},
                run_config={"loggers": {"listener": {}}},
                raise_on_error=False,
            )
    except KeyboardInterrupt:
        return Outcome(run, error=INTERRUPTED, interrupted=True)
    if result.success:
        return Outcome(run, result.run_id, frozenset(run.keys))
    made = _made(result)
    error = first_error(result)
    if error is not None and error.cls_name in {kind.__name__ for kind in INTERRUPTS}:
        # Dagster makes a failed run of Ctrl-C where errors are not raised.
        return Outcome(run, result.run_id, made, INTERRUPTED, interrupted=True)
    return Outcome(run, result.run_id, made, told(error) if error else "failed; the UI has the log")


def _made(result: dg.ExecuteInProcessResult) -> frozenset[dg.AssetKey]:
    """The assets that a failed run made all the same, and no check of theirs found a fault in."""
    made = {event.asset_key for event in result.get_asset_materialization_events()}
    faulty = set()
    for event in result.all_events:
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            found = event.asset_check_evaluation_data
            if not found.passed and found.severity == dg.AssetCheckSeverity.ERROR:
                faulty.add(found.asset_key)
    return frozenset(key for key in made - faulty if key is not None)
