"""The messages of the service: the three dialects, each call with its request and its answers, and their description."""
