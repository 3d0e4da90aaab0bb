"""Lambda authorizers: their events, the results and policies that they return, and the cache of results."""
