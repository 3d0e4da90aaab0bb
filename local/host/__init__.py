"""This machine: child processes, ports, certificates, files, and the project's own folders."""
