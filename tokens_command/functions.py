"""Functions that are invoked without HTTP, and the letters of those that failed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.http import Service
from deploy.sign_in_probe import Call, Unreachable
from tokens_command.connection import Session
from tokens_command.problems import Exit, Problem
from tokens_command.service import Members

DEAD_LETTERS = "DeadLetterQueueUrl"
# Outputs of the product's stack, by the folder of the function.
_OUTPUTS = {"cleanup": "CleanupFunctionName"}
# A message that was looked at is hidden from others for so long.
_HIDDEN_S = 30
_MAX_LETTERS = 100
LIVE = "live"


@dataclass(frozen=True)
class Letter:
    """function: that is to get the payload; receipt: to delete the message by."""

    view: Mapping[str, Any]
    function: str
    payload: Any
    receipt: str


def invoke(session: Session, name: str, event: Mapping[str, object]) -> Any:
    """What a function answers. Raises Problem, Failed."""
    if session.place.local:
        return _invoked_locally(session, name, event)
    invoked = session.aws.call(
        "lambda",
        "invoke",
        FunctionName=session.stack.output(_OUTPUTS[name]),
        Qualifier=LIVE,
        Payload=json.dumps(event).encode(),
    )
    answer = json.loads(invoked["Payload"].read())
    if "FunctionError" in invoked:
        raise Problem(
            f"{name} fails: {answer.get('errorType')}: {answer.get('errorMessage')}.", Exit.UNREACHABLE
        )
    return answer


def _invoked_locally(session: Session, name: str, event: Mapping[str, object]) -> Any:
    try:
        call = Call("POST", f"/_local/invoke/{name}", body=json.dumps(event))
        reply = Service(session.service.url).reply(call)
    except Unreachable as exc:
        raise Problem(str(exc), Exit.UNREACHABLE) from exc
    if reply.status != 200:
        answer = reply.answer.body
        raise Problem(
            f"{name} fails: {answer.get('errorType', reply.status)}: {answer.get('errorMessage', '')}.",
            Exit.UNREACHABLE,
        )
    return Members(reply, call.route)


def letters(session: Session) -> list[Letter]:
    """At most 100 of the dead letters, hidden from others for half a minute. Raises Problem, Failed."""
    if session.place.local:
        raise Problem("Local mode has no dead-letter queue: give --stack.")
    queue = session.foundation.output(DEAD_LETTERS)
    found: dict[str, Letter] = {}
    while len(found) < _MAX_LETTERS:
        answer = session.aws.call(
            "sqs",
            "receive_message",
            QueueUrl=queue,
            MaxNumberOfMessages=10,
            VisibilityTimeout=_HIDDEN_S,
            WaitTimeSeconds=1,
            AttributeNames=["SentTimestamp"],
            MessageAttributeNames=["All"],
        )
        messages = answer.get("Messages", [])
        fresh = {message["MessageId"]: message for message in messages if message["MessageId"] not in found}
        found |= {message_id: _letter(message, session) for message_id, message in fresh.items()}
        if not fresh:
            break
    return list(found.values())


def _own(function: str, session: Session) -> str:
    """A function's name or ARN. Raises Problem for one that is none of the stack's: a letter says where it goes, and
    must not make an operator call whatever it names."""
    name = function.split(":")[6] if function.startswith("arn:") else function
    if name not in session.function_names:
        raise Problem(
            f"A dead letter names the function {name}, which is none of {session.stack.name}.", Exit.NO
        )
    return function


def _letter(message: Mapping[str, Any], session: Session) -> Letter:
    """Of a function (Lambda's destination, which has the request), or of EventBridge (the event itself)."""
    try:
        body = json.loads(message["Body"])
    except ValueError:
        body = {}
    is_of_lambda = isinstance(body, dict) and "requestPayload" in body
    payload = body["requestPayload"] if is_of_lambda else body
    context = body.get("requestContext", {}) if is_of_lambda else {}
    function = _own(str(context.get("functionArn") or session.stack.output("RevokeFunctionName")), session)
    attributes = message.get("MessageAttributes", {})
    error = (body.get("responsePayload") or {}).get("errorMessage") if is_of_lambda else None
    view = {
        "id": message["MessageId"],
        "sent_at": int(message.get("Attributes", {}).get("SentTimestamp", 0)) // 1000 or None,
        "function": function,
        "what": payload.get("detail-type", "a scheduled run") if isinstance(payload, dict) else "unreadable",
        "user_id": (payload.get("detail") or {}).get("user_id") if isinstance(payload, dict) else None,
        "error": error or attributes.get("ERROR_MESSAGE", {}).get("StringValue"),
    }
    return Letter(view, function, payload, message["ReceiptHandle"])
