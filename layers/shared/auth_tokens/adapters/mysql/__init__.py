"""MySQL through RDS Proxy: all SQL of the service lives in this package."""
