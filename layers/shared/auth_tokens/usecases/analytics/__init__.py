"""Analytics: what the schedule does with events, and what operators are shown of it."""
