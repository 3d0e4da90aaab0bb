"""Runs the SAM translator: the CloudFormation template that a deployment would create resources from."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.templates.arns import REGION
from local.templates.intrinsics import TemplateError

_CODE = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}


def translate(template: Path, parameters: Mapping[str, str]) -> dict[str, Any]:
    """The CloudFormation template that SAM makes of a file. A file without SAM's transform is returned as it is.

    Raises TemplateError.
    """
    # Imported here: the translator is slow to import, and most importers need only the model.
    from samtranslator.public.exceptions import InvalidDocumentException
    from samtranslator.translator.transform import transform
    from samtranslator.yaml_helper import yaml_parse

    document: dict[str, Any] = yaml_parse(template.read_text(encoding="utf-8"))
    if "Transform" not in document:
        return document
    for resource in document.get("Resources", {}).values():
        if (member := _CODE.get(resource.get("Type"))) is not None:
            resource.setdefault("Properties", {})[member] = "s3://local/code"
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    # The translator warns about usage figures that it did not send, and about switches that only AWS has.
    for noisy in ("samtranslator.metrics", "samtranslator.feature_toggle.feature_toggle"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    try:
        translated: dict[str, Any] = transform(document, dict(parameters), _NoManagedPolicies())
    except InvalidDocumentException as error:
        causes = "; ".join(cause.message for cause in error.causes)
        raise TemplateError(f"{template}: {causes}") from error
    return translated


class _NoManagedPolicies:
    """Takes the place of the translator's list of managed policies, which it would fetch from IAM."""

    def load(self) -> dict[str, str]:
        return {}
