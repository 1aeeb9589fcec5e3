"""The service as one web application: routes, journal, faults, control API, and the thread that serves it."""
