"""A launch day in simulation: how long a crowd takes to get in, and how many attempts that costs, with each retry policy."""
