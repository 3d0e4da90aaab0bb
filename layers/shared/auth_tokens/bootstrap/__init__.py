"""The composition root: one builder a file, called once at its function's cold start.

Nothing here talks to the network: connections and clients open at their first use, so that a
function starts while the database is away and says 503 rather than failing to start. Each file imports
what it makes, and a function imports the builders that it calls: a cold start loads nothing else.
"""
