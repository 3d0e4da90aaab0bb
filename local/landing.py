"""The page at `/` that `make run` begins with: what runs, where the pages are, and how to use them. Local mode only."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

from local.host.paths import ROOT
from local.host.ports import DEFAULT_PORT
from local.http.sigv4 import LOCAL_ROLE_KEY
from local.parameters import unlike_template
from local.running import Mark
from local.seed import PASSWORD, SeedUser

PAGES = Path(__file__).parent / "pages"
_CLIENT = ROOT / "clients" / "javascript"


@dataclass(frozen=True)
class Landing:
    """What the page says of a run.

    database: which it is, for people. parameters: of the templates. users: those that local mode has added.
    logs: the folder of the functions' log files; None where they have none. has_renderer: whether the API's reference
    can be shown.
    """

    mark: Mark
    database: str
    parameters: dict[str, str]
    users: Sequence[SeedUser]
    logs: Path | None
    has_renderer: bool

    def page(self) -> str:
        """The page as HTML, as things are now."""
        label = self.parameters["AdminLabel"]
        texts = {
            "url": self.mark.base_url,
            "port": "" if self.mark.port == DEFAULT_PORT else f" PORT={self.mark.port}",
            "label": f" (label {label})" if label else ": off without AdminLabel",
            "traffic": "; make traffic gives it something to show" if self.users else "",
            "reference": "" if self.has_renderer else ", after `make docs`",
            "origins": self._origins(),
            "client": shlex.quote(str(_CLIENT)),
            "username": self.users[1].username if self.users else "YOURS",
            "password": PASSWORD if self.users else "YOURS",
            "pid": str(self.mark.pid),
            "database": self.database,
            "role_key": LOCAL_ROLE_KEY.access_key,
            "role_secret": LOCAL_ROLE_KEY.secret_key,
            "role_token": LOCAL_ROLE_KEY.session_token,
        }
        parts = {"users": self._users(), "settings": _list(self._settings()), "logs": self._logs()}
        safe = {name: escape(text) for name, text in texts.items()}
        return Template((PAGES / "landing.html").read_text("utf-8")).substitute({**safe, **parts})

    def _origins(self) -> str:
        origins = self.parameters.get("AllowedOrigins", "")
        return f"May call now: {origins}" if origins else "No other origin may call now."

    def _settings(self) -> list[str]:
        return unlike_template({n: v for n, v in self.parameters.items() if n != "Issuer"})

    def _users(self) -> str:
        if not self.users:
            return "<p>The Portal's own users; local mode has added none.</p>"
        rows = "".join(
            f'<tr><th scope="row">{escape(user.username)}</th><td>{escape(user.about)}</td></tr>'
            for user in self.users
        )
        return (
            f"<p>All have the password <code>{escape(PASSWORD)}</code>.</p>"
            f'<table><thead><tr><th scope="col">User name</th><th scope="col">Good for</th></tr></thead>'
            f"<tbody>{rows}</tbody></table>"
        )

    def _logs(self) -> str:
        names = log_names(self.logs) if self.logs else []
        links = "".join(f'<li><a href="/_local/logs/{escape(n)}">{escape(n)}</a></li>' for n in names)
        return f'<ul class="logs">{links}</ul>' if links else "none yet"


def log_names(folder: Path) -> list[str]:
    """The log files of a folder. A link is none: it may lead out of it."""
    return sorted(path.name for path in folder.glob("*.log") if path.is_file() and not path.is_symlink())


def _list(items: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"
