"""The service: the port, its implementation over HTTP, and the table of rules for its answers."""
