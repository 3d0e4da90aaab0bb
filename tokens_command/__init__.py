"""The command `tokens`, for operators of the service: docs/reference/command.md."""
