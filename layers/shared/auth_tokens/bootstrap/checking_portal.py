"""For a function that may read the Portal's tables: its own rights, and whether the mapping fits these tables."""

from collections.abc import Callable

from auth_tokens.bootstrap.container import Container


def checking_portal(shared: Container) -> Callable[[], dict[str, object]]:
    """Looks when it is called."""

    def check() -> dict[str, object]:
        # A cold start would pay for them, for a check that runs a few times a year.
        from auth_tokens.adapters.mysql.checks import own_grants
        from auth_tokens.adapters.mysql.portal_checks import portal_findings
        from auth_tokens.adapters.portal_map import document_of
        from auth_tokens.bootstrap.portal import portal_tables

        return {
            "grants": own_grants(shared.database),
            "portal": portal_findings(shared.database, portal_tables(shared)),
            "mapping": document_of(shared.settings.portal_map),
        }

    return check
