"""Client of the auth-user-tokens service: keeps a session alive, and signs nobody out by mistake.

session = Session("https://tokens.example.com", FileStore("~/.config/example/session"))
session.sign_in("alice@example.com", getpass())
api = httpx2.Client(auth=session.httpx_auth())
"""

from auth_user_tokens.answers import TokenAnswer
from auth_user_tokens.calls import Requirement
from auth_user_tokens.errors import AuthError, SignedOut, StoreError
from auth_user_tokens.events import (
    Event,
    Refreshed,
    SignedIn,
    SignedOutEvent,
    StepUp,
    StoreFailed,
    Unreachable,
)
from auth_user_tokens.file_store import FileStore
from auth_user_tokens.session import Info, Session
from auth_user_tokens.stores import MemoryStore, Store

__all__ = [
    "AuthError",
    "Event",
    "FileStore",
    "Info",
    "MemoryStore",
    "Refreshed",
    "Requirement",
    "Session",
    "SignedIn",
    "SignedOut",
    "SignedOutEvent",
    "StepUp",
    "Store",
    "StoreError",
    "StoreFailed",
    "TokenAnswer",
    "Unreachable",
]
