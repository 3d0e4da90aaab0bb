"""The whole service on one machine: MariaDB, KMS and API Gateway beside the real Lambda handlers."""
