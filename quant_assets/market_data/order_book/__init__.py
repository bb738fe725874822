"""Level-2 market data: orders, trades, snapshots and queues in one form for every exchange."""
