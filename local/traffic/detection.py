"""What the service itself says of a run: its schedule looks for attacks, operators' routes list what it found."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from auth_tokens.domain.analytics.detections import WINDOW_S
from auth_tokens.domain.analytics.findings import EVERYBODY
from auth_tokens.domain.analytics.hours import HOUR_S, hour_of
from auth_tokens.domain.events import EventType
from auth_tokens.usecases.analytics.detect import BASELINE_HOURS
from local.client import Client
from local.traffic.planting import Plant, UsualHour
from local.traffic.population import CannotReach
from local.traffic.sentences import alarm_sentence, finding_sentence

# The analytics function may take as long as template.yaml lets it, after its start.
ANALYSIS_S = 60
# Another run of the schedule has the lease for no longer than that.
LEASE_S = 60
# In the place of a severity: an event of its own, which no rule has to find.
ALARM = "alarm"
_PAGE = 200


@dataclass(frozen=True)
class Found:
    """A finding, or the alarm about one token that came back. rule: of an alarm the kind of its reuse; users: whom its
    evidence is about; is_earlier: reported before this run, as a rule reports a subject once an hour."""

    rule: str
    severity: str
    subject: str
    sentence: str
    users: frozenset[str]
    is_earlier: bool = False


@dataclass(frozen=True)
class Judgement:
    """answers: what was found of each plant; false: what was found of calm people; others: of nobody of this run."""

    answers: Sequence[tuple[Plant, Sequence[Found]]]
    false: Sequence[Found]
    others: Sequence[Found]

    @property
    def missed(self) -> list[Plant]:
        """Planted, and not found."""
        return [
            plant
            for plant, found in self.answers
            if plant.attack.expected and not plant.why_not and not found
        ]


class Operator:
    """An operator of the local service, by signed requests. Raises CannotReach."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def usual_hour(self, now: float) -> UsualHour:
        """As the rules will compare with it: the mean of the hours before the last one."""
        until = hour_of(int(now) - WINDOW_S)
        since = until - BASELINE_HOURS * HOUR_S
        summary = self._get("/admin/security/summary", span_s=int(now) - since, step="hour")
        hours = [hour for hour in summary["series"] if since <= hour["at"] < until]
        return {
            kind.value: sum(hour.get(kind.value, 0) for hour in hours) / BASELINE_HOURS for kind in EventType
        }

    def analyse(self) -> None:
        """Runs the schedule's function that looks for attacks. It waits for a run that is under way."""
        for _ in range(LEASE_S):
            reply = self._client.post("/_local/invoke/analytics", {})
            if reply.status != 200:
                raise CannotReach(f"the analytics function failed: {reply.shortened()}")
            if reply.json["ran"]:
                return
            time.sleep(1)
        raise CannotReach("another run of the analytics function does not end")

    def found_since(self, since: int) -> list[Found]:
        """The findings about events from then on, among them those about everybody that the hour had already."""
        hour = hour_of(since)
        listed = self._each("/admin/security/findings", "findings", since=hour)
        relevant = [
            finding
            for finding in listed
            if finding["at"] >= since or (finding["subject"] == EVERYBODY and finding["last_at"] >= hour)
        ]
        return [self._found(finding, since) for finding in relevant]

    def alarms_since(self, since: int) -> list[Found]:
        """The spent tokens that came back."""
        kind = EventType.TOKEN_REUSE_DETECTED.value
        listed = self._each("/admin/security/events", "events", since=since, type=kind)
        return [
            Found(
                event["detail"]["reuse_kind"],
                ALARM,
                event["session_id"],
                alarm_sentence(event["detail"]),
                frozenset({event["user_id"]}),
            )
            for event in listed
        ]

    def _found(self, finding: Mapping[str, Any], since: int) -> Found:
        users = {finding["user_id"]}
        if finding["user_id"] is None:
            whole = self._get(f"/admin/security/findings/{finding['id']}")
            users = {event["user_id"] for event in whole["evidence"]}
        return Found(
            finding["rule"],
            finding["severity"],
            finding["subject"],
            finding_sentence(finding),
            frozenset(users - {None}),
            finding["at"] < since,
        )

    def _each(self, path: str, name: str, **query: object) -> Iterator[dict[str, Any]]:
        cursor = None
        while True:
            page = self._get(path, limit=_PAGE, cursor=cursor, **query)
            yield from page[name]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def _get(self, path: str, **query: object) -> dict[str, Any]:
        given = urlencode({name: value for name, value in query.items() if value is not None})
        reply = self._client.signed("GET", f"{path}?{given}" if given else path)
        if reply.status != 200:
            raise CannotReach(f"GET {path} was answered {reply.shortened()}")
        return dict(reply.json)


def judge(plants: Sequence[Plant], found: Sequence[Found], calm: Set[str]) -> Judgement:
    """Which finding or alarm answers which plant. calm: the ids of the people whom no rule may find."""
    answers = [(plant, [each for each in found if answers_to(each, plant)]) for plant in plants]
    explained = {id(each) for _, some in answers for each in some}
    rest = [each for each in found if id(each) not in explained]
    victims = {user for plant in plants for user in plant.population.user_ids.values()}
    return Judgement(
        answers,
        false=[each for each in rest if each.users & calm],
        others=[each for each in rest if not each.users & (calm | victims)],
    )


def answers_to(found: Found, plant: Plant) -> bool:
    """Whether it is of the plant's rule, and about one of its victims; of a spike, about everybody."""
    attack = plant.attack
    if attack.expected != found.rule:
        return False
    if attack.spike or found.subject == EVERYBODY:
        return attack.spike is not None and found.subject == EVERYBODY
    return not found.users.isdisjoint(plant.population.user_ids.values())
