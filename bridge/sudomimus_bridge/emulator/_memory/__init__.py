"""What the service remembers while it runs."""
