"""The service's side: the port, the real HTTP client, the table of retry rules. Knows nothing of Steam."""
