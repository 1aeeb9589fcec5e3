"""The simulation of a launch day: how long a crowd needs to sign in with each retry policy, and how many attempts it makes."""
