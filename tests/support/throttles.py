"""Parameters for a stack whose tests call faster than any client may, where that is not the point."""

from collections.abc import Mapping
from types import MappingProxyType

UNTHROTTLED: Mapping[str, str] = MappingProxyType(
    {"RequestRatePerS": "10000", "LoginRatePerS": "10000", "RefreshRatePerS": "10000"}
)
