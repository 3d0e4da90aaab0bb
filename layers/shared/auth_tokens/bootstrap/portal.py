"""Where the Portal keeps its users."""

from auth_tokens.adapters.mysql.portal import PortalTables
from auth_tokens.adapters.portal_map import mapping_of
from auth_tokens.bootstrap.container import Container, singleton
from auth_tokens.domain.user_ids import IdForm


@singleton
def portal_tables(shared: Container) -> PortalTables:
    """The SQL of the mapping that holds in this environment. Raises PortalMapError."""
    return PortalTables(mapping_of(shared.settings.portal_map))


def user_ids(shared: Container) -> IdForm:
    """How the Portal keeps its users' ids."""
    return portal_tables(shared).mapping.users.id_form
