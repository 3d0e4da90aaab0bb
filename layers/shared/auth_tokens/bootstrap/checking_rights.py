"""For one function of each class of database users: what its user may do."""

from collections.abc import Callable

from auth_tokens.bootstrap.container import Container


def checking_rights(shared: Container) -> Callable[[], dict[str, object]]:
    """Reads the rights when it is called."""

    def check() -> dict[str, object]:
        # 4 ms of CPU time (measured) that each cold start would cost, for a check that runs a few times a year.
        from auth_tokens.adapters.mysql.checks import own_grants

        return {"grants": own_grants(shared.database)}

    return check
