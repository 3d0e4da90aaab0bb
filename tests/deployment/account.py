"""An empty AWS account: MiniStack as a process, and what a shell needs to speak to it and to nobody else."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from local.host.certificates import Authority
from local.host.paths import ROOT
from local.host.ports import free_port
from local.host.processes import die_with_parent, stop
from local.http.sigv4 import SigningKey
from local.package import RUNTIME
from local.servers.database.program import programs_on_path

EMULATOR = ROOT / ".venv-emulator"
REGION = "eu-west-1"
ACCOUNT = "000000000000"
DOMAIN = "tokens.example"  # as the pages have it
# The emulator's own pair; its functions sign by it, too.
KEY = SigningKey(ACCOUNT, "test", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", region=REGION, service="rds-db")
_ADDRESS = "127.0.0.1"
_START_S = 60
# The documented commands are of the AWS CLI's version 2, which PyPI does not have.
_AWS_1 = """\
#!/bin/sh
# Version 1 takes a payload as it stands, and knows no option that says so.
for word do
    shift
    if [ "$word" = --cli-binary-format ]; then skip=1
    elif [ -n "$skip" ]; then skip=
    else set -- "$@" "$word"; fi
done
exec {aws} "$@"
"""
_API_DOMAIN = f"{REGION}.amazonaws.com"
# What a Python imports first (module `site`): an API's addresses lead to the emulator, as .curlrc has it for curl.
_NAMES = """\
import socket

_connect = socket.create_connection


def _to_the_emulator(address, *arguments, **options):
    host, _ = address
    is_there = host == {domain!r} or host.endswith(".execute-api.{apis}")
    return _connect({address!r} if is_there else address, *arguments, **options)


socket.create_connection = _to_the_emulator
"""


class Account:
    """A context manager. environment: of the commands; by_name: lines before a script whose Python calls an API by its
    own address; log: what the emulator and the functions say."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        authority = Authority(folder, "emulator-ca")
        self.ca_file = authority.ca_file
        self._certificate, self._key = authority.issue(_ADDRESS, f"*.execute-api.{_API_DOMAIN}", DOMAIN)
        self.log = folder / "emulator.log"
        # An API's own address leads here, for whoever reads this: curl.
        curl = f'connect-to = "::{_ADDRESS}:{self._port}"\ncacert = "{self.ca_file}"\n'
        (folder / ".curlrc").write_text(curl)
        names = folder / "names" / "sitecustomize.py"
        names.parent.mkdir()
        names.write_text(_NAMES.format(address=(_ADDRESS, self._port), domain=DOMAIN, apis=_API_DOMAIN))
        self.by_name = f"export PYTHONPATH={names.parent}:.:layers/shared SSL_CERT_FILE={self.ca_file}\n"
        self.environment: Mapping[str, str] = MappingProxyType(
            {
                "AWS_ENDPOINT_URL": f"https://{_ADDRESS}:{self._port}",
                "AWS_CA_BUNDLE": str(self.ca_file),
                "AWS_ACCESS_KEY_ID": KEY.access_key,
                "AWS_SECRET_ACCESS_KEY": KEY.secret_key,
                "AWS_DEFAULT_REGION": REGION,
                "AWS_EC2_METADATA_DISABLED": "true",
                "CURL_HOME": str(folder),
                "SAM_CLI_TELEMETRY": "0",
            }
        )

    def __enter__(self) -> Account:
        own = {
            "BIND_HOST": _ADDRESS,
            "GATEWAY_PORT": str(self._port),
            "MINISTACK_HOST": _API_DOMAIN,
            "MINISTACK_REGION": REGION,
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_SSL_CERT": str(self._certificate),
            "MINISTACK_SSL_KEY": str(self._key),
            "USE_SSL": "1",
            "TMPDIR": str(self._folder),
            "LAMBDA_PYTHON": str(RUNTIME / "bin" / "python"),
            "PATH": os.environ["PATH"],
        }
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [EMULATOR / "bin" / "python", Path(__file__).with_name("emulator.py")],
                env={**own, **self.environment},
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            stop(self._process, grace_s=10)

    def connection(self, host: str) -> ssl.SSLSocket:
        """To the API of that name. Raises OSError."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        return context.wrap_socket(socket.create_connection((_ADDRESS, self._port), 60), server_hostname=host)

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                self.connection(_ADDRESS).close()
                return
            time.sleep(0.1)
        raise AssertionError(f"MiniStack did not start:\n{self.log.read_text(errors='replace')[-3000:]}")


def aws_cli(folder: Path) -> None:
    """Puts `aws` into a folder: the machine's where that is version 2, else the emulator's environment's version 1."""
    program = folder / "aws"
    for found in programs_on_path(["aws"]):
        told = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
        if told.stdout.startswith("aws-cli/2"):
            program.symlink_to(found)
            return
    program.write_text(_AWS_1.format(aws=EMULATOR / "bin" / "aws"))
    program.chmod(0o755)
