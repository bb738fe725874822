"""What a user types to select assets of a market, as an asset selection.

`bars`, `+predictions` (with all upstream), `adjusted_bars+` (with all downstream), `group:factors`,
or a job of the market (`daily`); several with commas. Sweeps and searches take long: they run when
they, their group or their job are named, not as part of all assets or of what is downstream.
"""

from functools import reduce
from operator import or_

import dagster as dg

from quant_assets.orchestration.assets.sweeps import NAMED_ONLY
from quant_assets.settings_files import ConfigError, near_name

GROUP = "group:"


def parse_selection(
    text: str | None, market: str, repository: dg.RepositoryDefinition
) -> dg.AssetSelection:
    """The selection that a text means; all assets of the market without one.

    Raises:
        ConfigError: a name that is no asset, group or job of the market, with the nearest one.
    """
    graph = repository.asset_graph
    keys = {key.path[-1]: key for key in graph.get_all_asset_keys() if key.path[0] == market}
    whole = dg.AssetSelection.assets(*keys.values())
    long = dg.AssetSelection.assets(*(keys[name] for name in NAMED_ONLY if name in keys))
    if text is None:
        return whole - long
    names = {str(graph.get(key).group_name) for key in keys.values()}
    groups = {name.removeprefix(f"{market}_"): name for name in names}
    prefix = f"{market}_"
    jobs = {n.removeprefix(prefix): n for n in repository.job_names if n.startswith(prefix)}
    parts: list[dg.AssetSelection] = []
    for part in text.split(","):
        name = part.strip().removeprefix(f"{market}/")
        bare = name.strip("+")
        if name.startswith(GROUP) and name.removeprefix(GROUP) in groups:
            parts.append(dg.AssetSelection.groups(groups[name.removeprefix(GROUP)]))
        elif bare in keys:
            one = dg.AssetSelection.assets(keys[bare])
            up = one.upstream() if name.startswith("+") else one
            parts.append(up | (one.downstream() - long) if name.endswith("+") else up)
        elif name in jobs:
            job_keys = repository.get_job(jobs[name]).asset_layer.selected_asset_keys
            parts.append(dg.AssetSelection.assets(*job_keys))
        else:
            known = [*sorted(keys), *sorted(GROUP + group for group in groups), *sorted(jobs)]
            raise ConfigError(
                f"--select: {market} has no asset, group or job {name!r}{near_name(name, known)}; "
                f"there are {', '.join(known)}"
            )
    return reduce(or_, parts) & whole
