"""A stand-in for RDS Proxy on one machine, for `make run PROXY=1` and the tests. See docs/adr/0029.

It terminates TLS, takes an IAM token for a password, keeps few server connections and gives a client one for each
transaction, says what would pin, and fails as the real one can. `proxy.py` has it; imported late, as mysql-mimic
takes a second to import.
"""
