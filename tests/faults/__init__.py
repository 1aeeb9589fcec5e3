"""The fault matrix: each step of a login against each fault, on real sockets. `make faults` writes `docs/faults.md`.

`table` names steps and faults. `network` is the hostile network, `game` the process that signs in, `cells` runs one cell.
"""
