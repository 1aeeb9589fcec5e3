"""The players: what their accounts share, what the service asks of them, and a visitor who completes the pages."""
