"""Database servers: a private MariaDB or MySQL, its address, its clock, and connections to it."""
