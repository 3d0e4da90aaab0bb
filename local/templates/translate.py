"""Runs the SAM translator: the CloudFormation template that a deployment would create resources from."""

from __future__ import annotations

import json
import logging
import os
import pickle
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

from local.templates.arns import REGION
from local.templates.intrinsics import TemplateError

_CODE = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}


def as_written(template: Path) -> dict[str, Any]:
    """A template's document. It is parsed once: that takes a second of a start, and several parts of it ask."""
    written: dict[str, Any] = pickle.loads(_parsed(template, template.stat().st_mtime_ns))
    return written


def translate(template: Path, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The CloudFormation template that SAM makes of a file. A file without SAM's transform is returned as it is.

    APIs and functions are read from the same one, so the last few are kept, pickled: to load one takes a tenth of the
    time of a deep copy. Raises TemplateError.
    """
    given = json.dumps(dict(parameters), sort_keys=True)
    translated: dict[str, Any] = pickle.loads(_translated(template, template.stat().st_mtime_ns, given))
    return translated


@lru_cache(maxsize=8)
def _parsed(template: Path, changed_at_ns: int) -> bytes:
    return pickle.dumps(yaml.load(template.read_text(encoding="utf-8"), _loader()))


@cache
def _loader() -> Any:
    """Reads CloudFormation's short forms, by PyYAML's parser in C where it has it: the other one takes six times as
    long, 0.6 s for the three templates."""
    from samtranslator.yaml_helper import intrinsics_multi_constructor

    loader: Any = type("Loader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {})
    loader.add_multi_constructor("!", intrinsics_multi_constructor)
    return loader


@lru_cache(maxsize=8)
def _translated(template: Path, changed_at_ns: int, parameters: str) -> bytes:
    # Imported here: the translator is slow to import, and most importers need only the model.
    from samtranslator.public.exceptions import InvalidDocumentException
    from samtranslator.translator.transform import transform

    document = as_written(template)
    if "Transform" not in document:
        return pickle.dumps(document)
    for resource in document.get("Resources", {}).values():
        if (member := _CODE.get(resource.get("Type"))) is not None:
            resource.setdefault("Properties", {})[member] = "s3://local/code"
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    # The translator warns about usage figures that it did not send, and about switches that only AWS has.
    for noisy in ("samtranslator.metrics", "samtranslator.feature_toggle.feature_toggle"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    try:
        return pickle.dumps(transform(document, json.loads(parameters), _NoManagedPolicies()))
    except InvalidDocumentException as error:
        causes = "; ".join(cause.message for cause in error.causes)
        raise TemplateError(f"{template}: {causes}") from error


class _NoManagedPolicies:
    """Takes the place of the translator's list of managed policies, which it would fetch from IAM."""

    def load(self) -> dict[str, str]:
        return {}
