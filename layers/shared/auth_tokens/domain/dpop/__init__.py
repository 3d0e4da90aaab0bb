"""DPoP proofs (RFC 9449): the rules. A proof shows that its sender holds the key that a token is bound to."""
