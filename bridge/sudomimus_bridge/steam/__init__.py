"""Steam: the port, its implementation on the flat API, and the life of a ticket. Nothing here is about the service."""
