"""What the use cases need from outside. Each port says what it does when a dependency is down."""
