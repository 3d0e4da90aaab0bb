"""KMS, Secrets Manager and EventBridge: moto's server, which AWS clients call over HTTP."""

from __future__ import annotations

import base64
import json
import logging
from pathlib import Path
from typing import Any

from local.host.files import replace_text
from local.host.ports import HOST
from local.templates.arns import ACCOUNT_ID, REGION


class LocalAws:
    """moto's server on a private port, with one KMS key that is kept in a file.

    moto forgets everything when it ends. The database holds keys that the KMS key has wrapped, so the KMS key is kept
    in the state folder, readable by its owner only.
    """

    def __init__(self, state_dir: Path) -> None:
        self._key_file = state_dir / "kms-key.json"
        self._server: Any = None
        self.key_id = ""
        self.security_bus = "local-security"

    def start(self) -> None:
        """Starts serving. Most of the time it takes is the import of moto."""
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._serve(0)
        self.key_id = self._restored_key()
        self._make_bus()

    def stop(self) -> None:
        """Stops serving. Safe to call twice."""
        if self._server is not None:
            self._server.stop()
        self._server = None

    def go_away(self) -> None:
        """Refuses connections until `come_back`."""
        self._server.stop()

    def come_back(self) -> None:
        """Serves again, at the same address and with the same content."""
        self._serve(self._server.get_host_and_port()[1])

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point an AWS client to this server."""
        host, port = self._server.get_host_and_port()
        return {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local-secret",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    def _serve(self, port: int) -> None:
        from moto.server import ThreadedMotoServer

        self._server = ThreadedMotoServer(ip_address=HOST, port=port, verbose=False)
        self._server.start()

    def _make_bus(self) -> None:
        """Creates the bus of security events, in moto's own store: no AWS client has to be imported."""
        from moto.events.models import events_backends

        if self.security_bus not in events_backends[ACCOUNT_ID][REGION].event_buses:
            events_backends[ACCOUNT_ID][REGION].create_event_bus(name=self.security_bus)

    def _restored_key(self) -> str:
        """Puts the kept key into moto's own store, and returns its id. moto's API cannot import key material."""
        from moto.kms.models import kms_backends

        backend = kms_backends[ACCOUNT_ID][REGION]
        key = backend.create_key(
            policy=None,
            key_usage="ENCRYPT_DECRYPT",
            key_spec="SYMMETRIC_DEFAULT",
            description="local",
            tags=[],
            multi_region=False,
        )
        if self._key_file.exists():
            kept = json.loads(self._key_file.read_text())
            del backend.keys[key.id]
            key.id, key.key_material = kept["id"], base64.b64decode(kept["material"])
            backend.keys[key.id] = key
        else:
            self._key_file.parent.mkdir(parents=True, exist_ok=True)
            material = base64.b64encode(key.key_material).decode()
            replace_text(self._key_file, json.dumps({"id": key.id, "material": material}), mode=0o600)
        key_id: str = key.id
        return key_id
