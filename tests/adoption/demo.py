"""`make adoption-demo`: a thousand people who are signed in to a Portal in Node come over to the service, by phases.

After each phase both sides are asked about each person. The exit code is 0 only if nobody was ever signed out or signed
in twice, and no password hash has changed.
"""

import argparse
import contextlib
import hashlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone

from local.servers.database.address import connect
from tests.adoption.place import Place, place
from tests.adoption.served import Served, portal_at, served
from tests.support.legacy_portal import LegacyPortal, LegacyWindow

CLIENTS = 8
OPEN = LegacyWindow()
TO_COME = LegacyWindow("2099-01-01T00:00:00Z", "2100-01-01T00:00:00Z")
# A client that is told to wait does so; in the end it has its answer.
TRIES = 60


@dataclass
class Person:
    """held: what their client has; has_moved: whether the service gave it."""

    user: str
    held: str
    has_moved: bool = False


@dataclass(frozen=True, slots=True)
class Count:
    """Where everybody is, as both sides say."""

    phase: str
    there: int
    here: int
    signed_out: int
    doubled: int
    seconds: float


@dataclass
class Demo:
    at: Place
    portal: LegacyPortal
    people: Sequence[Person]
    counts: list[Count] = field(default_factory=list)
    differing: int = 0

    @contextlib.contextmanager
    def service(self, window: LegacyWindow) -> Iterator[Served]:
        """The service as it is deployed with these dates."""
        own = replace(self.at.at, name=self.at.world.settings.db_name)
        with served(self.portal, own, self.at.aws, self.at.folder, window, in_process=False) as made:
            yield made

    def phase(self, title: str, window: LegacyWindow, act: Callable[[Served], None]) -> None:
        started = time.monotonic()
        with self.service(window) as service:
            act(service)
        count = self.counted(title, time.monotonic() - started)
        self.counts.append(count)
        sides = f"{count.there:>8}{count.here:>8}{count.signed_out:>12}{count.doubled:>10}"
        print(f"{title:<44}{sides}{count.seconds:>8.0f} s", flush=True)

    def rotate_there(self, people: Sequence[Person]) -> None:
        """Their clients refresh at the Portal."""
        begun = [(person, self.portal.start("rotate", token=person.held)) for person in people]
        for person, rotation in begun:
            person.held = rotation.result(60) or person.held

    def come_over(self, service: Served, people: Sequence[Person]) -> None:
        """Their clients send what they hold to the service; each fourth loses the answer and asks again."""
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(
                pool.map(
                    lambda numbered: self._move(service, numbered[1], numbered[0] % 4 == 0), enumerate(people)
                )
            )

    def refresh_here(self, service: Served, people: Sequence[Person]) -> None:
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(lambda person: self._move(service, person, loses=False), people))

    def are_refused(self, service: Served, people: Sequence[Person]) -> None:
        """Their clients try the service, are refused, and stay at the Portal."""
        for person in people:
            reply = service.refresh(person.held)
            assert (reply.status, reply.json["error"]) == (400, "invalid_grant"), reply.shortened()

    def _move(self, service: Served, person: Person, loses: bool) -> None:
        answers = {self._answer(service, person.held) for _ in range(2 if loses else 1)}
        self.differing += len(answers) != 1
        [person.held] = answers
        person.has_moved = True

    def _answer(self, service: Served, token: str) -> str:
        for _ in range(TRIES):
            reply = service.refresh(token)
            if reply.status == 200:
                return str(reply.json["refresh_token"])
            assert reply.status in (429, 503), reply.shortened()
            time.sleep(float(reply.headers["retry-after"]) / 2)
        raise AssertionError("told to wait for too long")

    def counted(self, phase: str, seconds: float) -> Count:
        """Both sides are asked about everybody."""
        asked = [self.portal.start("inForceOf", user=person.user) for person in self.people]
        there = {p.user for p, count in zip(self.people, asked, strict=True) if count.result(60) > 0}
        rows = self.at.world.sql(
            "SELECT user_id, COUNT(*) AS live FROM auth_user_tokens WHERE type <> 'device' AND revoked_at IS NULL"
            " AND expires_at > UTC_TIMESTAMP(6) GROUP BY user_id"
        )
        here = {row["user_id"]: row["live"] for row in rows}
        found = [here.get(person.user, 0) for person in self.people]
        places = [(p.user in there) + live for p, live in zip(self.people, found, strict=True)]
        moved = sum(live > 0 for live in found)
        return Count(phase, len(there), moved, places.count(0), sum(n > 1 for n in places), seconds)


def run(people_count: int) -> int:
    with place() as at, portal_at(at.at) as portal:
        users = portal.people(people_count)
        tokens = [each.result(60) for each in [portal.start("issue", user=user) for user in users]]
        people = [Person(user, token) for user, token in zip(users, tokens, strict=True)]
        demo = Demo(at, portal, people)
        hashes = password_hashes(at)
        walk(demo)
        return verdict(demo, unchanged=password_hashes(at) == hashes)


def verdict(demo: Demo, *, unchanged: bool) -> int:
    """What was counted over all phases, and the exit code. unchanged: the password hashes are."""
    signed_out = sum(count.signed_out for count in demo.counts)
    doubled = sum(count.doubled for count in demo.counts)
    print(
        f"\npassword hashes {'byte-equal' if unchanged else 'CHANGED'}; {demo.differing} repeated answers differed"
    )
    print(f"{signed_out} signed out, {doubled} doubled")
    return 0 if unchanged and not (signed_out or doubled or demo.differing) else 1


def walk(demo: Demo) -> None:
    people = demo.people
    first, rest = people[: len(people) * 6 // 10], people[len(people) * 6 // 10 :]
    print(f"{len(people)} people are signed in to the Portal (Knex, Objection, mysql2 on Node)\n")
    print(f"{'':<44}{'Portal':>8}{'here':>8}{'signed out':>12}{'doubled':>10}")

    def dual_run(service: Served) -> None:
        demo.rotate_there(people[::3])
        demo.are_refused(service, people[:20])

    def cut_over(service: Served) -> None:
        with ThreadPoolExecutor(1) as aside:  # the Portal goes on meanwhile
            going_on = aside.submit(demo.rotate_there, rest)
            demo.come_over(service, first)
            going_on.result()

    def roll_back(service: Served) -> None:
        demo.refresh_here(service, first)
        demo.are_refused(service, rest[:20])
        demo.rotate_there(rest)

    demo.phase("dual-run: the Portal issues and rotates", TO_COME, dual_run)
    demo.phase("cut-over: clients come, the Portal rotates", OPEN, cut_over)
    demo.phase("roll-back: who has moved stays here", LegacyWindow(accept_until=now()), roll_back)
    demo.phase("cut-over again: the others come", OPEN, lambda service: demo.come_over(service, rest))
    demo.phase(
        "end: no token of the Portal is accepted",
        LegacyWindow(accept_until=now()),
        lambda service: demo.refresh_here(service, people),
    )


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def password_hashes(at: Place) -> str:
    """A digest of all of them."""
    with contextlib.closing(connect(at.at)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id, password FROM auth_users ORDER BY id")
        return hashlib.sha256(repr(cursor.fetchall()).encode()).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(prog="adoption-demo", description=__doc__)
    parser.add_argument("--people", type=int, default=1000)
    return run(parser.parse_args().people)


if __name__ == "__main__":
    sys.exit(main())
