"""The rules, pure: no I/O, no clock, no randomness; all three arrive as arguments."""
