"""Access tokens as signed JWTs (RFC 9068): the only package that imports PyJWT."""
