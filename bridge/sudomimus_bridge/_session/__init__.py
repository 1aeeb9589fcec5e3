"""Staying signed in: one session that renews itself, is stored safely, and is shared by threads, tasks and processes."""
