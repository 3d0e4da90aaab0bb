"""Analytics: figures, the census, and the rules that find attacks in events."""
