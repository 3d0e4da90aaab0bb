"""A function is run with what the template gives it."""

from local.templates.functions import FunctionSpec, function_specs
from local.templates.stacks import JOBS_TEMPLATE, PRODUCT
from tests.architecture.deployment import JOBS_PARAMETERS, PARAMETERS


def specs(**parameters: str) -> dict[str, FunctionSpec]:
    return function_specs(PRODUCT, {**PARAMETERS, **parameters}, {})


def test_a_function_has_its_reserve_where_the_template_makes_one() -> None:
    assert {spec.reserved for spec in specs(ReserveConcurrency="false").values()} == {None}
    assert specs(ReserveConcurrency="true")["IssueFunction"].reserved == 40


def test_all_reserves_together_are_what_the_parameter_says_they_take() -> None:
    reserves = [spec.reserved or 0 for spec in specs(ReserveConcurrency="true").values()]

    assert sum(reserves) == 385


def test_a_function_has_its_own_time() -> None:
    times = {name: spec.timeout_s for name, spec in specs().items()}

    assert (times["RefreshFunction"], times["AuthorizerFunction"], times["MigrateFunction"]) == (10, 5, 300)


def test_a_functions_log_format_is_that_of_the_template() -> None:
    assert {spec.log_format for spec in specs().values()} == {"JSON"}
    assert function_specs(JOBS_TEMPLATE, JOBS_PARAMETERS, {})["JobsFunction"].log_format == "Text"
