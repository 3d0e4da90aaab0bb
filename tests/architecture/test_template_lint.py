"""cfn-lint on what SAM makes of the template: on the template itself it sees neither SAM's resources nor cycles."""

import json

from cfnlint.api import ManualArgs, lint

from local.gateway.arns import REGION
from tests.architecture.deployment import translated_with


def test_the_translated_template_has_no_fault_under_any_condition() -> None:
    """Errors alone (E3004: a cycle): warnings are about parameters' texts. One translation speaks for all stacks, as
    cfn-lint looks at each condition both ways, and what else SAM reads (READ_BY_SAM) ends up in a name."""
    found = lint(json.dumps(translated_with()), config=ManualArgs(regions=[REGION], ignore_checks=["W"]))

    assert [str(match) for match in found] == []
