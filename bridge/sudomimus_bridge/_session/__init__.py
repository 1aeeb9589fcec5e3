"""Staying signed in: one session, renewed by itself, shared by threads, tasks and processes, and kept where it is safe."""
