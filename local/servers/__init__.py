"""The servers that functions connect to: the database, RDS Proxy, and AWS services."""
