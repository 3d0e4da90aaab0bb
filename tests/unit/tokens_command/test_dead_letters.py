"""Dead letters: what they are of, where they go, and that they go nowhere else. AWS is a script."""

import io
import json
from typing import Any

import pytest

from deploy.stack import Stack
from tokens_command import __main__ as command
from tokens_command.connection import Session
from tokens_command.problems import Exit

REVOKE, CLEANUP = "tokens-revoke", "tokens-cleanup"
ARN = f"arn:aws:lambda:eu-west-1:123456789012:function:{CLEANUP}:live"
DISABLED = {"source": "portal.users", "detail-type": "UserDisabled", "detail": {"user_id": "u1"}}
Said = pytest.CaptureFixture[str]


def message(number: int, body: Any) -> dict[str, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    sent = {"SentTimestamp": "1796083200000"}
    return {"MessageId": f"m{number}", "ReceiptHandle": f"r{number}", "Body": text, "Attributes": sent}


def of_lambda(payload: Any, function: str = ARN) -> dict[str, Any]:
    return {
        "requestContext": {"functionArn": function},
        "requestPayload": payload,
        "responsePayload": {"errorType": "Unavailable", "errorMessage": "database error 2003"},
    }


class Account:
    """Stands in for deploy.aws.Aws. fails: functions that fail again."""

    region = "eu-west-1"

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = list(messages)
        self.invoked: list[tuple[str, Any]] = []
        self.deleted: list[str] = []
        self.fails: set[str] = set()

    def call(self, service: str, operation: str, **given: Any) -> Any:
        match operation:
            case "receive_message":
                found, self.messages = self.messages[:10], self.messages[10:]
                return {"Messages": found} if found else {}
            case "invoke":
                self.invoked.append((given["FunctionName"], json.loads(given["Payload"])))
                if given["FunctionName"] in self.fails:
                    fault = json.dumps({"errorType": "MalformedEvent", "errorMessage": "no user_id"})
                    return {"FunctionError": "Unhandled", "Payload": io.BytesIO(fault.encode())}
                return {"Payload": io.BytesIO(b'{"revoked": 1}')}
            case "delete_message":
                self.deleted.append(given["ReceiptHandle"])
        return {}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    made = Account(message(1, of_lambda({"catch_up": False})), message(2, DISABLED))
    stack = Stack("tokens", "CREATE_COMPLETE", {"RevokeFunctionName": REVOKE}, {})
    foundation = Stack("tokens-foundation", "CREATE_COMPLETE", {"DeadLetterQueueUrl": "q"}, {})
    monkeypatch.setattr(Session, "aws", made)
    monkeypatch.setattr(Session, "stack", stack)
    monkeypatch.setattr(Session, "foundation", foundation)
    monkeypatch.setattr(Session, "function_names", {REVOKE, CLEANUP})
    monkeypatch.setattr("sys.stdin", io.StringIO())
    return made


def run(*arguments: str) -> int:
    return command.main(["dlq", *arguments, "--stack", "tokens", "--json"])


def test_a_list_says_what_of_whom_and_why_and_changes_nothing(account: Account, capsys: Said) -> None:
    assert run("list") == Exit.DONE

    first, second = json.loads(capsys.readouterr().out)["dead_letters"]
    assert (first["what"], first["error"], first["function"]) == (
        "a scheduled run",
        "database error 2003",
        ARN,
    )
    assert (second["what"], second["user_id"], second["function"]) == ("UserDisabled", "u1", REVOKE)
    assert (account.invoked, account.deleted) == ([], [])


def test_each_goes_to_its_function_and_what_is_taken_is_deleted(account: Account, capsys: Said) -> None:
    assert run("redrive", "--yes") == Exit.DONE

    assert account.invoked == [(ARN, {"catch_up": False}), (REVOKE, DISABLED)]
    assert account.deleted == ["r1", "r2"]


def test_what_fails_again_waits_on(account: Account, capsys: Said) -> None:
    account.fails = {REVOKE}

    assert run("redrive", "--yes") == Exit.NO

    assert account.deleted == ["r1"]
    [failed] = json.loads(capsys.readouterr().out)["failed"]
    assert failed["error"] == "MalformedEvent: no user_id"


def test_only_the_chosen_one_is_sent(account: Account) -> None:
    assert run("redrive", "--message", "m2", "--yes") == Exit.DONE

    assert account.deleted == ["r2"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("redrive",), Exit.UNCONFIRMED), (("redrive", "--message", "m9", "--yes"), Exit.NO)],
)
def test_without_a_yes_or_with_a_mistyped_message_nothing_is_sent(
    account: Account, arguments: tuple[str, ...], code: Exit
) -> None:
    assert run(*arguments) == code

    assert (account.invoked, account.deleted) == ([], [])


@pytest.mark.parametrize(
    "function",
    ["arn:aws:lambda:eu-west-1:123456789012:function:others", "arn:aws:lambda:eu-west-1:1:function:x:live"],
)
def test_a_letter_makes_nobody_call_another_s_function(account: Account, function: str) -> None:
    account.messages.append(message(3, of_lambda({}, function)))

    assert run("redrive", "--yes") == Exit.NO

    assert account.invoked == []


def test_a_letter_that_cannot_be_read_is_shown_as_such(account: Account, capsys: Said) -> None:
    account.messages = [message(1, "no JSON"), message(2, [1])]

    assert run("list") == Exit.DONE

    assert len(json.loads(capsys.readouterr().out)["dead_letters"]) == 2


def test_more_than_a_page_is_read(account: Account, capsys: Said) -> None:
    account.messages = [message(number, DISABLED) for number in range(25)]

    assert run("list") == Exit.DONE

    assert len(json.loads(capsys.readouterr().out)["dead_letters"]) == 25
