"""How deep JSON from outside may nest: a bound of our own, as the interpreter's differs (3.13 reads what 3.11
refuses)."""

import re

# Bodies and claims of ours nest three deep.
MAX_NESTING = 16
# A string, whose brackets do not count, or a bracket. An open string goes to the end: one pass, whatever the text.
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)


def nests_too_deep(text: str) -> bool:
    """Whether arrays and objects of a JSON text nest deeper than MAX_NESTING. Undefined for a text that is no JSON."""
    if text.count("[") + text.count("{") <= MAX_NESTING:
        return False
    depth = 0
    for found in _BRACKETS.finditer(text):
        first = text[found.start()]
        if first in "[{":
            depth += 1
            if depth > MAX_NESTING:
                return True
        elif first in "]}":
            depth -= 1
    return False
