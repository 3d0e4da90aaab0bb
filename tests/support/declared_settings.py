"""The settings as the code declares them, for what has to say the same: template and documents."""

from dataclasses import MISSING, Field, dataclass, fields
from typing import Any

from auth_tokens.settings import OneOf, Settings, Whole

# The end of a setting's name → its unit.
_UNITS = {"s": "s", "kib": "KiB"}


@dataclass(frozen=True)
class DeclaredSetting:
    """One setting. default: as text, None where it is required; bounds: of a number; choices: their texts."""

    name: str
    default: str | None
    unit: str
    bounds: tuple[int, int] | None
    choices: tuple[str, ...]

    @property
    def variable(self) -> str:
        return self.name.upper()

    @property
    def parameter(self) -> str:
        """The name that a parameter for it has."""
        return "".join(word.capitalize() for word in self.name.split("_"))


def _declared(field: Field[Any]) -> DeclaredSetting:
    parser = field.metadata["parser"]
    return DeclaredSetting(
        field.name,
        _text(field.default),
        _UNITS.get(field.name.rpartition("_")[2], ""),
        (parser.at_least, parser.at_most) if isinstance(parser, Whole) else None,
        parser.values if isinstance(parser, OneOf) else (),
    )


def _text(default: object) -> str | None:
    if default is MISSING:
        return None
    return " ".join(default) if isinstance(default, tuple) else str(default)


SETTINGS = tuple(_declared(field) for field in fields(Settings))
