"""`make soak`: an hour of logins, errands, renewals and faults through one sidecar and one `Bridge`. Nothing may grow.

`run` plays and judges, `peer` talks to the two processes and measures them, `game` is the process with the `Bridge`.
"""
