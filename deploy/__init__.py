"""What an administrator does around a deployment: database users and their grants."""
