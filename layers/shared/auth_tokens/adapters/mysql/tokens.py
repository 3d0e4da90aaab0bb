"""auth_user_tokens as the use cases see it: a row starts, goes on, is listed, and ends."""

from auth_tokens.adapters.mysql.ends import Ends
from auth_tokens.adapters.mysql.lists import Lists
from auth_tokens.adapters.mysql.rotations import Rotations
from auth_tokens.adapters.mysql.starts import Starts


class MySqlTokenStore(Starts, Rotations, Lists, Ends):
    """Port ports.tokens.TokenStore."""
