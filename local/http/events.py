"""The events that a function behind a route receives: payload 2.0, payload 1.0 and REST proxy.

Shapes: API Gateway developer guide, "AWS Lambda proxy integrations for HTTP APIs" and
"Lambda proxy integrations in API Gateway".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.http.call import Call
from local.http.payload import encoded_body, forwarded_headers, grouped, joined, one_spelling
from local.templates.arns import ACCOUNT_ID, domain_name
from local.templates.model import ApiKind

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Authorized:
    """The result of a Lambda authorizer that allows a call. context: as the integration receives it."""

    principal_id: str | None
    context: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class IamCaller:
    """The owner of the key that signed a request."""

    access_key: str
    user_arn: str
    user_id: str


Caller = Authorized | IamCaller | None


def integration_event(call: Call, caller: Caller) -> Event:
    """The event for the route's function, in the payload version of its integration."""
    if call.api.kind is ApiKind.HTTP and call.route.payload_version == "2.0":
        return to_v2_event(call, caller)
    return to_v1_event(call, caller)


def to_v2_event(call: Call, caller: Caller) -> Event:
    """Payload 2.0: header names are in lower case, repeated values are joined, cookies are a member of their own.

    Members without a value are absent.
    """
    body, is_base64 = encoded_body(call)
    event = v2_request(call)
    event["requestContext"] = v2_context(call)
    if caller is not None:
        event["requestContext"]["authorizer"] = _v2_authorizer(caller)
    if body is not None:
        event["body"] = body
    event["isBase64Encoded"] = is_base64
    return event


def to_v1_event(call: Call, caller: Caller) -> Event:
    """Payload 1.0 and REST proxy: multiValueHeaders beside headers. Members without a value are null."""
    body, is_base64 = encoded_body(call)
    event = v1_request(call)
    event["requestContext"] = v1_context(call, caller)
    return {**event, "body": body, "isBase64Encoded": is_base64}


def v2_request(call: Call) -> Event:
    """The members that integration and authorizer events of payload 2.0 share."""
    headers = [(name.lower(), value) for name, value in forwarded_headers(call)]
    sent = (cookie for name, value in headers if name == "cookie" for cookie in value.split(";"))
    # A cookie without a name is left out, even if it has a value (RFC 6265bis §5.6).
    cookies = [
        cookie.strip(" \t") for cookie in sent if cookie.partition("=")[0].strip(" \t") and "=" in cookie
    ]
    event: Event = {
        "version": "2.0",
        "routeKey": call.route.key,
        "rawPath": call.stage_path,
        "rawQueryString": call.request.query,
        "headers": joined([pair for pair in headers if pair[0] != "cookie"]),
    }
    optional = {
        "cookies": cookies,
        "queryStringParameters": joined(call.query_pairs()),
        "pathParameters": dict(call.path_parameters),
        "stageVariables": dict(call.api.stage_variables),
    }
    return event | {name: value for name, value in optional.items() if value}


def v2_context(call: Call) -> Event:
    return {
        "accountId": ACCOUNT_ID,
        "apiId": call.api.id,
        "domainName": domain_name(call.api.id),
        "domainPrefix": call.api.id,
        "http": {
            "method": call.request.method,
            "path": call.stage_path,
            "protocol": call.request.protocol,
            "sourceIp": call.request.source_ip,
            "userAgent": call.user_agent or "",
        },
        "requestId": call.request_id,
        "routeKey": call.route.key,
        "stage": call.api.stage,
        "time": call.clf_time,
        "timeEpoch": call.time_epoch_ms,
    }


def v1_request(call: Call) -> Event:
    """The members that integration and authorizer events of payload 1.0 and REST APIs share."""
    is_http = call.api.kind is ApiKind.HTTP
    sent = forwarded_headers(call)
    # REST APIs keep the client's spelling of a header's name.
    headers = grouped([(name.lower(), value) for name, value in sent] if is_http else one_spelling(sent))
    query = grouped(call.query_pairs())
    event: Event = {
        "resource": call.route.path,
        "path": call.path,
        "httpMethod": call.request.method,
        # This member has the last of several values, multiValueHeaders has all.
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": dict(call.path_parameters) or None,
        "stageVariables": dict(call.api.stage_variables) or None,
    }
    return {"version": "1.0", **event} if is_http else event


def v1_context(call: Call, caller: Caller) -> Event:
    context: Event = {
        "accountId": ACCOUNT_ID,
        "apiId": call.api.id,
        "domainName": domain_name(call.api.id),
        "domainPrefix": call.api.id,
        "extendedRequestId": call.extended_id or call.request_id,
        "httpMethod": call.request.method,
        "identity": _v1_identity(call, caller),
        "path": call.stage_path,
        "protocol": call.request.protocol,
        "requestId": call.request_id,
        "requestTime": call.clf_time,
        "requestTimeEpoch": call.time_epoch_ms,
        "resourceId": f"{call.route.method} {call.route.path}",
        "resourcePath": call.route.path,
        "stage": call.api.stage,
    }
    if isinstance(caller, Authorized):
        context["authorizer"] = {**caller.context, "principalId": caller.principal_id}
    return context


def _v1_identity(call: Call, caller: Caller) -> Event:
    signer = caller if isinstance(caller, IamCaller) else None
    return {
        "accessKey": signer.access_key if signer else None,
        "accountId": ACCOUNT_ID if signer else None,
        "apiKey": None,
        "caller": signer.user_id if signer else None,
        "cognitoAuthenticationProvider": None,
        "cognitoAuthenticationType": None,
        "cognitoIdentityId": None,
        "cognitoIdentityPoolId": None,
        "principalOrgId": None,
        "sourceIp": call.request.source_ip,
        "user": signer.user_id if signer else None,
        "userAgent": call.user_agent,
        "userArn": signer.user_arn if signer else None,
    }


def _v2_authorizer(caller: Authorized | IamCaller) -> Event:
    if isinstance(caller, Authorized):
        return {"lambda": dict(caller.context)}
    return {
        "iam": {
            "accessKey": caller.access_key,
            "accountId": ACCOUNT_ID,
            "callerId": caller.user_id,
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": caller.user_arn,
            "userId": caller.user_id,
        }
    }
