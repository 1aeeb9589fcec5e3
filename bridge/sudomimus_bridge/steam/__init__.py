"""Steam's side: the port, the flat API behind it, and what a ticket's life looks like. Knows nothing of the service."""
