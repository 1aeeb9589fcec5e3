"""The state of a running service."""
