"""auth_user_tokens for the use cases: rows are inserted, changed, listed and ended."""

from auth_tokens.adapters.mysql.ends import Ends
from auth_tokens.adapters.mysql.lists import Lists
from auth_tokens.adapters.mysql.rotations import Rotations
from auth_tokens.adapters.mysql.starts import Starts


class MySqlTokenStore(Starts, Rotations, Lists, Ends):
    """Port ports.tokens.TokenStore."""
