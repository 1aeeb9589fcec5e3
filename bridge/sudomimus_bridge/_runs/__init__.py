"""How a flow runs: awaited, blocking, or on a thread of its own beside a frame loop."""
