"""The mappings that the project has as examples, and statements as they are for local mode's own tables."""

from pathlib import Path

from auth_tokens.adapters.mysql.portal import PortalTables
from auth_tokens.adapters.portal_map import read_mapping

FOLDER = Path(__file__).parents[2] / "portal"
EXAMPLES = {path.stem: read_mapping(path) for path in sorted(FOLDER.glob("*.json"))}

own_sql = PortalTables().sql
