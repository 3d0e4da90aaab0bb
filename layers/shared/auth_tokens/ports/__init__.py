"""What the use cases need of the world. Each port says what it does when the world is down."""
