"""Steam: the port, its implementation on the flat API, and the life of a ticket. Knows nothing of the sign-in service."""
