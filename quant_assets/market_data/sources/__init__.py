"""Sources of market data behind one interface: base.py has it, registry.py chooses."""
