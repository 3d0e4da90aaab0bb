"""`make traffic`: people and attackers at the local service, and what its detection rules say of them."""
