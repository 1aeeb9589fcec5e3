"""A player's account before the service: what it shares, what it is asked, and a visitor who does the pages."""
