"""Analytics: the census and the roll-ups in SQL."""
