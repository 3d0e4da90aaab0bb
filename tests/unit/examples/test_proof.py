"""The program of docs/how-to/probe-proofs.md makes proofs that are taken, by one key."""

import subprocess
import sys
import time
from pathlib import Path

from auth_tokens.adapters.access_jwt.proofs import ProofVerifier
from auth_tokens.domain.dpop.presented import Place, PresentedProof

PROGRAM = Path(__file__).parents[3] / "examples" / "jobs-api" / "proof.py"
URL = "https://a1b2.execute-api.eu-west-1.amazonaws.com/prod/jobs"
PLACE = Place("https://a1b2.execute-api.eu-west-1.amazonaws.com", "/prod/jobs")


def made(folder: Path, *arguments: str) -> str:
    command = [sys.executable, PROGRAM, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def test_its_proofs_are_taken_and_its_key_stays(tmp_path: Path) -> None:
    shown = [
        PresentedProof(made(tmp_path, "GET", URL, *more), "GET", (PLACE,))
        for more in ((), ("token", "nonce"))
    ]

    first = ProofVerifier().read(shown[0], int(time.time()))
    second = ProofVerifier().read(shown[1], int(time.time()), jkt=first.jkt, token="token")
    assert second.nonce == "nonce"
    assert first.id != second.id
    assert (tmp_path / "probe.pem").stat().st_mode & 0o077 == 0
