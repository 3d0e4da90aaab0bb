"""The gateway: joins HTTP, authorizers and sockets for several APIs, and serves them on a local port."""
