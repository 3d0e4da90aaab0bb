"""Authlib's OAuth 2 server with Flask and SQLAlchemy, wired as its documentation shows, rotation on.

Usage: python authlib_flask.py PORT|lines
Environment: PEER_DB_HOST, PEER_DB_PORT, PEER_DB_NAME, PEER_DB_USER, PEER_DB_PASSWORD.
"""

import time

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector, current_token
from authlib.integrations.sqla_oauth2 import (
    OAuth2ClientMixin,
    OAuth2TokenMixin,
    create_bearer_token_validator,
    create_query_client_func,
    create_revocation_endpoint,
    create_save_token_func,
)
from authlib.oauth2.rfc6749 import grants
from flask import Flask, Response, jsonify
from sqlalchemy import URL, ForeignKey, String, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, scoped_session, sessionmaker
from starter import CLIENT_ID, THREADS, USER, PasswordClient, database, run

AT = database()
ENGINE = create_engine(
    URL.create("mysql+pymysql", AT["user"], AT["password"], AT["host"], int(AT["port"]), AT["name"]),
    connect_args={"ssl_disabled": True},
    pool_size=THREADS,
)
DB = scoped_session(sessionmaker(ENGINE))


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(40), unique=True)
    password: Mapped[str] = mapped_column(String(80))

    def get_user_id(self) -> int:
        return self.id


class Client(Base, OAuth2ClientMixin):
    __tablename__ = "oauth2_client"

    id: Mapped[int] = mapped_column(primary_key=True)


class Token(Base, OAuth2TokenMixin):
    __tablename__ = "oauth2_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    user: Mapped[User] = relationship()


class PasswordGrant(grants.ResourceOwnerPasswordCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("none",)

    def authenticate_user(self, username: str, password: str) -> User | None:
        user = DB.query(User).filter_by(username=username).first()
        # No hash: only what stands around it is measured.
        return user if user and user.password == password else None


class RefreshTokenGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("none",)
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        token = DB.query(Token).filter_by(refresh_token=refresh_token).first()
        return token if token and not token.is_revoked() else None

    def authenticate_user(self, refresh_token: Token) -> User | None:
        return DB.get(User, refresh_token.user_id)

    def revoke_old_credential(self, refresh_token: Token) -> None:
        refresh_token.access_token_revoked_at = refresh_token.refresh_token_revoked_at = int(time.time())
        DB.add(refresh_token)
        DB.commit()


class Revocation(create_revocation_endpoint(DB, Token)):  # type: ignore[misc]
    CLIENT_AUTH_METHODS = ("none",)


application = Flask(__name__)
# Else a session of the password grant has no refresh token.
application.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
server = AuthorizationServer(
    application, create_query_client_func(DB, Client), create_save_token_func(DB, Token)
)
server.register_grant(PasswordGrant)
server.register_grant(RefreshTokenGrant)
server.register_endpoint(Revocation)
require_oauth = ResourceProtector()
require_oauth.register_token_validator(create_bearer_token_validator(DB, Token)())


@application.post("/token")
def token() -> Response:
    return server.create_token_response()


@application.post("/revoke")
def revoke() -> Response:
    return server.create_endpoint_response(Revocation.ENDPOINT_NAME)


@application.get("/protected")
@require_oauth("read")
def protected() -> Response:
    return jsonify(sub=current_token.user_id)


@application.teardown_appcontext
def end_session(_: BaseException | None) -> None:
    DB.remove()


def prepare() -> None:
    """The tables of the models, one user, one public client with the password grant."""
    Base.metadata.create_all(ENGINE)
    client = Client(client_id=CLIENT_ID, client_secret="")
    client.set_client_metadata(
        {
            "grant_types": ["password", "refresh_token"],
            "scope": "read",
            "token_endpoint_auth_method": "none",
        }
    )
    DB.add_all([User(**USER), client])
    DB.commit()
    DB.remove()


if __name__ == "__main__":
    prepare()
    run(application, PasswordClient(application, "/token"), ["Authlib", "Flask", "SQLAlchemy"])
