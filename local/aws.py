"""KMS, Secrets Manager and EventBridge by moto, over HTTP as the AWS clients speak it."""

from __future__ import annotations

import base64
import json
import logging
from pathlib import Path
from typing import Any

from local.gateway.arns import ACCOUNT_ID, REGION

HOST = "127.0.0.1"


class LocalAws:
    """moto's server on a private port, with one KMS key that outlives it.

    The database keeps keys that this one wraps, so it is kept too: in the state folder, for its owner
    only. moto forgets everything at its end.
    """

    def __init__(self, state_dir: Path) -> None:
        self._key_file = state_dir / "kms-key.json"
        self._server: Any = None
        self.key_id = ""
        self.security_bus = "local-security"

    def start(self) -> None:
        """Starts serving; importing moto is most of the time this takes."""
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._serve(0)
        self.key_id = self._restored_key()
        self._make_bus()

    def stop(self) -> None:
        """Stops serving; safe to call twice."""
        if self._server is not None:
            self._server.stop()
        self._server = None

    def go_away(self) -> None:
        """Connections are refused until `come_back`."""
        self._server.stop()

    def come_back(self) -> None:
        """Serves again, at the same address and with all that was there."""
        self._serve(self._server.get_host_and_port()[1])

    @property
    def environment(self) -> dict[str, str]:
        """What points an AWS client here."""
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
        """The bus of security events; put into moto's own store, so that no client needs to be loaded."""
        from moto.events.models import events_backends

        if self.security_bus not in events_backends[ACCOUNT_ID][REGION].event_buses:
            events_backends[ACCOUNT_ID][REGION].create_event_bus(name=self.security_bus)

    def _restored_key(self) -> str:
        """The id of the kept key, put into moto's own store: its API has no way to bring key material."""
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
            self._key_file.touch(mode=0o600)
            material = base64.b64encode(key.key_material).decode()
            self._key_file.write_text(json.dumps({"id": key.id, "material": material}))
        key_id: str = key.id
        return key_id
