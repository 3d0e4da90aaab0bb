"""WebSocket APIs: the handshake, the messages of a connection, and the events that functions receive."""
