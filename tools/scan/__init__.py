"""Secrets in the tree, known faults in the locked packages."""
