"""Token and session service: the code that all functions share."""
