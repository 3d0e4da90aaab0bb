"""`make conformance`: what does an OAuth server do with lost answers, races and thieves? Exit code 0: all right.

Against the local stack, any server of the same contract (BASE_URL), or a peer that is started here (PEER).
"""

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from local.options import RunnerOptions
from local.stack import LocalStack
from tests.conformance.peers.start import PEERS, PeerFailed, started_peer
from tests.conformance.report import Report, run
from tests.conformance.scenarios import Lab, Scenario, device_scenarios, scenarios
from tests.conformance.servers import LOCAL_USERS, CannotSignIn, PortalServer, Server, local_server
from tests.support.throttles import UNTHROTTLED

ENVIRONMENTS = 4


def main() -> int:
    options = _options()
    try:
        report = _report(options)
    except (CannotSignIn, PeerFailed) as exc:
        print(f"conformance: {exc}", file=sys.stderr)
        return 2
    text = f"{report.server}, {report.rounds} rounds a scenario\n\n{report.markdown()}\n"
    print(text)
    if options.report:
        Path(options.report).write_text(text)
    return 0 if report.is_right else 1


def _report(options: argparse.Namespace) -> Report:
    refreshes = _chosen(scenarios(options.parallel), options)
    exchanges = _chosen(device_scenarios(options.parallel), options)
    with _server(options) as server:
        trials = [(Lab(server), refreshes)]
        if isinstance(server, PortalServer):
            trials.append((Lab(server.devices()), exchanges))
        report = run(trials, options.rounds, lambda: time.sleep(options.retry_window_s + 1), _say)
    return report if len(trials) > 1 else replace(report, left_out=len(exchanges))


def _chosen(found: list[Scenario], options: argparse.Namespace) -> list[Scenario]:
    return [scenario for scenario in found if options.only in scenario.name]


@contextlib.contextmanager
def _server(options: argparse.Namespace) -> Iterator[Server]:
    if options.peer:
        with started_peer(options.peer) as server:
            yield server
    elif options.base_url:
        users = os.environ.get("CONFORMANCE_USERS", ",".join(LOCAL_USERS)).split(",")
        access_key = os.environ.get("CONFORMANCE_ACCESS_KEY", "local")
        secret_key = os.environ.get("CONFORMANCE_SECRET_KEY", "local-secret")
        session_token = os.environ.get("CONFORMANCE_SESSION_TOKEN", "")
        yield PortalServer(options.base_url.rstrip("/"), users, access_key, secret_key, session_token)
    else:
        with LocalStack(UNTHROTTLED, runner=RunnerOptions(max_environments=ENVIRONMENTS)) as stack:
            yield local_server(stack.base_url)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="conformance", description=__doc__)
    server = parser.add_mutually_exclusive_group()
    server.add_argument("--base-url", default="", help="a running server of this contract")
    server.add_argument("--peer", choices=PEERS, help="start another server and try that")
    parser.add_argument("--rounds", type=int, default=50, help="of each scenario")
    parser.add_argument("--parallel", type=_counts, default=(2, 20, 100), help="such as 2,20,100")
    parser.add_argument("--retry-window-s", type=int, default=10, help="of the server: what is later is late")
    parser.add_argument("--only", default="", help="scenarios with this text in their name")
    parser.add_argument("--report", default="", help="write the table into this file, too")
    return parser.parse_args()


def _counts(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
