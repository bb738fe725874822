"""The asset check that the stored accounts of backtests add up.

What adding up means is told in `quant_assets.backtests.audit`; here it becomes a check that runs
after a strategy's backtest, in the same run, or on its own over all that are stored.
"""

import dagster as dg
import pyarrow as pa

from quant_assets.backtests.audit import COLUMNS, audit
from quant_assets.orchestration.partitions import MarketPartitions
from quant_assets.warehouse.store import Warehouse

NAME = "account_adds_up"


def account_check(partitions: MarketPartitions) -> dg.AssetChecksDefinition:
    """The check of the market's backtests."""
    market = partitions.market
    rules = market.trading

    @dg.asset_check(asset=dg.AssetKey([market.name, "backtest"]), name=NAME)
    def check(
        context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.AssetCheckResult:
        """Cash, equity and positions of every session follow from the stored fills."""

        def read(table: str, keys: list[str] | None = None) -> pa.Table:
            return warehouse.read(f"{market.name}/{table}", keys, COLUMNS[table])

        actions = read("corporate_actions")
        one = context.has_partition_key
        names = [context.partition_key] if one else warehouse.partitions(f"{market.name}/backtest")
        found = {
            name: audit(
                read("backtest", [name]),
                read("backtest_fills", [name]),
                read("backtest_positions", [name]),
                actions,
                rules.capital,
                rules.lot,
            )
            for name in names
        }
        broken = [f"- {name}: {told}" for name, each in found.items() for told in each.examples]
        return dg.AssetCheckResult(
            passed=not broken,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "accounts": len(found),
                "sessions": sum(each.sessions for each in found.values()),
                "fills": sum(each.fills for each in found.values()),
                "violations": sum(each.violations for each in found.values()),
                **{
                    f"largest_deviation_of_{name}": max(
                        (getattr(each, name) for each in found.values()), default=0.0
                    )
                    for name in ("cash", "equity", "shares")
                },
                **({"examples": dg.MetadataValue.md("\n".join(broken))} if broken else {}),
            },
        )

    return check
