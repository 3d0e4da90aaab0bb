"""The outside world behind the ports: MySQL, KMS, JWT, password hashes."""
