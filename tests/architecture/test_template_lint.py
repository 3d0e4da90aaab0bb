"""cfn-lint on what SAM makes of the templates: on template.yaml itself it sees neither SAM's resources nor cycles."""

import json
from pathlib import Path

import pytest
from cfnlint.api import ManualArgs, lint

from local.gateway.arns import REGION
from local.templates import ORDER
from tests.architecture.deployment import translation


@pytest.mark.parametrize("template", ORDER, ids=lambda template: template.stem)
def test_the_translated_template_has_no_fault_under_any_condition(template: Path) -> None:
    """Errors alone (E3004: a cycle): warnings are about parameters' texts. One translation speaks for all stacks, as
    cfn-lint looks at each condition both ways, and what else SAM reads (READ_BY_SAM) ends up in a name."""
    translated, _ = translation(template)
    found = lint(json.dumps(translated), config=ManualArgs(regions=[REGION], ignore_checks=["W"]))

    assert [str(match) for match in found] == []
