"""Schedules are read from a template, and make the events of EventBridge Scheduler."""

from typing import Any

import pytest

from local.templates.intrinsics import TemplateError
from local.templates.schedules import Schedule, schedules_in
from local.templates.stacks import PRODUCT


def test_the_templates_schedules_are_cleanup_analytics_and_keys() -> None:
    found = {schedule.function: schedule.every_s for schedule in schedules_in(PRODUCT)}

    assert found == {"CleanupFunction": 300, "AnalyticsFunction": 300, "RotateKeysFunction": 86_400}


def test_an_expression_that_is_not_known_is_refused(tmp_path: Any) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(PRODUCT.read_text().replace("rate(1 day)", "cron(0 3 * * ? *)"))

    with pytest.raises(TemplateError, match="cron"):
        schedules_in(template)


SAM = """
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.13, Handler: app.handler}}
Resources:
  Counter:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/counter
      EventInvokeConfig: {MaximumRetryAttempts: 1}
      Events:
        Often:
          Type: ScheduleV2
          Properties:
            ScheduleExpression: rate(1 minute)
            Name: !Sub ${AWS::StackName}-often
            Input: '{"of": "<aws.scheduler.schedule-arn>", "at": "<aws.scheduler.scheduled-time>", "n": 1}'
        Never: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 minute), State: DISABLED}}
        Plain: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 hour)}}
"""


@pytest.fixture
def found(tmp_path: Any) -> dict[int, Schedule]:
    """The schedules of a template by their interval."""
    template = tmp_path / "template.yaml"
    template.write_text(SAM)
    return {schedule.every_s: schedule for schedule in schedules_in(template)}


def test_a_schedule_that_is_switched_off_is_none(found: dict[int, Schedule]) -> None:
    assert sorted(found) == [60, 3600]


def test_a_schedule_has_its_own_name_else_that_of_its_resource(found: dict[int, Schedule]) -> None:
    assert [found[60].name, found[3600].name] == ["local-often", "CounterPlain"]


def test_a_schedule_with_an_input_sends_it_and_nothing_else(found: dict[int, Schedule]) -> None:
    arn = "arn:aws:scheduler:eu-west-1:123456789012:schedule/default/local-often"

    assert found[60].event(1_795_521_600.0) == {"of": arn, "at": "2026-11-24T12:00:00Z", "n": 1}
    assert found[3600].event(1_795_521_600.0)["source"] == "aws.scheduler"


def test_the_templates_functions_are_tried_twice_more(found: dict[int, Schedule]) -> None:
    assert {schedule.retries for schedule in schedules_in(PRODUCT)} == {2}
    assert found[60].retries == 1
