"""The players: the claims that they share, the requests of the service, and a visitor who completes the pages."""
