"""A transport service provider's jobs: who calls is told by the authorizer, never by the request.

The jobs live in this execution environment's memory and go with it: an example, not a store.
"""

import base64
import itertools
import json
from typing import Any

JOBS: dict[str, dict[str, Any]] = {}
NUMBERS = itertools.count(1)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """GET /jobs, POST /jobs, DELETE /jobs/{id}; behind an HTTP API (payload 2.0) and a REST API alike.
    Behind a WebSocket API: lets the socket open, and answers each message with the caller's jobs."""
    caller = _caller(event)
    if "connectionId" in event["requestContext"]:
        is_message = event["requestContext"]["eventType"] == "MESSAGE"
        return _mine(caller) if is_message else {"statusCode": 200}
    method = event.get("httpMethod") or event["requestContext"]["http"]["method"]
    if method == "POST":
        return _create(event, caller)
    if method == "DELETE":
        return _delete((event.get("pathParameters") or {}).get("id", ""), caller)
    return _mine(caller)


def _mine(caller: dict[str, str]) -> dict[str, Any]:
    mine = [job for job in JOBS.values() if job["owner"] == caller["sub"]]
    return _answer(200, {"caller": caller, "jobs": mine})


def _caller(event: dict[str, Any]) -> dict[str, str]:
    """The authorizer's context: below `lambda` in payload 2.0, flat in REST and, for a socket's life, in WebSocket."""
    authorizer = event["requestContext"]["authorizer"]
    context = authorizer.get("lambda", authorizer)
    return {name: str(context[name]) for name in ("sub", "scope", "sid")}


def _create(event: dict[str, Any], caller: dict[str, str]) -> dict[str, Any]:
    raw = event.get("body") or ""
    try:
        body = json.loads(base64.b64decode(raw) if event.get("isBase64Encoded") else raw)
    except (ValueError, RecursionError):
        body = None
    name = body.get("name") if isinstance(body, dict) else None
    if not isinstance(name, str) or not 0 < len(name) <= 100:
        return _answer(400, {"message": "name must be a text of 1 to 100 characters"})
    job = {"id": str(next(NUMBERS)), "name": name, "owner": caller["sub"]}
    JOBS[job["id"]] = job
    return _answer(201, job)


def _delete(job_id: str, caller: dict[str, str]) -> dict[str, Any]:
    job = JOBS.get(job_id)
    if job is None or job["owner"] != caller["sub"]:
        return _answer(404, {"message": "no such job"})
    del JOBS[job_id]
    return {"statusCode": 204}


def _answer(status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
