"""Market data: calendars, sources, quality, adjustment, universe, panels."""
