"""A stand-in for RDS Proxy on one machine, for `make run PROXY=1` and the tests. See docs/adr/0029.

It terminates TLS and accepts an IAM token as the password. It keeps few server connections, and lends one to a client
for each transaction. It reports what would pin, and can fail as RDS Proxy can. The class is in `proxy.py`.
"""
