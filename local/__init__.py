"""The whole service on one machine: a database, AWS services and API Gateway around the real Lambda handlers.

Each folder is a wing. They stand here from the lowest to the highest; a wing imports only wings above it in this list
(tests/architecture/test_local_wings.py has the order).

    host/         this machine: child processes, ports, certificates, the project's own folders
    templates/    reads functions, APIs, schedules and exports from the SAM and CloudFormation templates
    runners/      invokes functions, in this process or in child processes
    http/         one request at an HTTP or REST API: parsing, routing, signatures, events, responses, refusals
    authorizers/  Lambda authorizers: their events, policies and cached results
    sockets/      WebSocket APIs: handshake, messages, events
    gateway/      joins http, authorizers and sockets, and serves them on a port
    servers/      what functions connect to: MariaDB or MySQL, RDS Proxy, KMS and EventBridge

The modules beside the wings are the stack that joins them (`stack.py`), the routes under `/_local` (`routes.py`), the
seeded users, an HTTP client, and the programs of the Makefile.
"""
