"""Running and cancelling flows: `Running`, threads that nobody joins, signals, and imports in small steps."""
