"""For tests of the bridge and of games: a stubbed Steam, a scripted service and browser, virtual time."""
