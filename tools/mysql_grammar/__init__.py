"""Does every statement of the service pass MySQL 8's grammar?"""
