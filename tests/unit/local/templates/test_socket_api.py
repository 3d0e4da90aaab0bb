"""A WebSocket API is read from the resources that make it, or refused by the name of what is not served."""

from pathlib import Path

import pytest

from local.templates.apis import load_apis
from local.templates.intrinsics import TemplateError
from local.templates.model import Api, ApiKind, AuthorizerType, IdentitySource, Route, SourceKind

FOREIGN_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:shared-authorizer"
TEMPLATE = (Path(__file__).parents[1] / "samples/jobs_socket.yaml").read_text(encoding="utf-8")


def load(tmp_path: Path, text: str = TEMPLATE) -> Api:
    template = tmp_path / "template.yaml"
    template.write_text(text, encoding="utf-8")
    return load_apis(template, {"AuthorizerFunctionArn": FOREIGN_ARN}, {FOREIGN_ARN: "Authorizer"})["JobsApi"]


def routes_of(api: Api) -> dict[str, Route]:
    return {route.key: route for route in api.routes}


def test_a_websocket_api_has_its_stage_routes_and_selection(tmp_path: Path) -> None:
    api = load(tmp_path)

    assert (api.kind, api.id, api.stage) == (ApiKind.WEBSOCKET, "jobsapi", "live")
    assert dict(api.stage_variables) == {"colour": "green"}
    assert api.selection == ("action",)
    assert set(routes_of(api)) == {"$connect", "list", "$default", "$disconnect"}
    assert {(route.function, route.timeout_s) for route in api.routes} == {("JobsFunction", 5.0)}


def test_its_authorizer_stands_at_the_door_alone(tmp_path: Path) -> None:
    api = load(tmp_path)

    [tokens] = api.authorizers
    assert (tokens.name, tokens.function, tokens.type) == ("Tokens", "Authorizer", AuthorizerType.REQUEST)
    assert tokens.ttl_s == 0
    assert tokens.identity_sources == (IdentitySource(SourceKind.QUERY, "access_token"),)
    assert [key for key, route in routes_of(api).items() if route.authorizer] == ["$connect"]


def test_an_authorizer_may_have_no_identity_source(tmp_path: Path) -> None:
    line = "      IdentitySource: [route.request.querystring.access_token]\n"

    [tokens] = load(tmp_path, TEMPLATE.replace(line, "")).authorizers

    assert tokens.identity_sources == ()


def test_only_a_route_with_a_response_answers(tmp_path: Path) -> None:
    assert [key for key, route in routes_of(load(tmp_path)).items() if route.has_response] == ["list"]


def test_a_response_that_no_expression_selects_is_none(tmp_path: Path) -> None:
    api = load(tmp_path, TEMPLATE.replace("      RouteResponseSelectionExpression: $default\n", ""))

    assert not routes_of(api)["list"].has_response


@pytest.mark.parametrize(
    ("expression", "members"),
    [
        ("${request.body.action}", ("action",)),
        ("$request.body.data.kind", ("data", "kind")),
    ],
)
def test_the_route_key_may_lie_deeper_in_a_message(
    tmp_path: Path, expression: str, members: tuple[str, ...]
) -> None:
    api = load(tmp_path, TEMPLATE.replace("$request.body.action", f'"{expression}"'))

    assert api.selection == members


def test_a_websocket_api_in_sams_own_words_is_the_same(tmp_path: Path) -> None:
    sam = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  AuthorizerFunctionArn: {Type: String}
Resources:
  JobsApi:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      StageName: live
      Routes:
        $connect: {FunctionArn: !GetAtt JobsFunction.Arn}
        $default: {FunctionArn: !GetAtt JobsFunction.Arn}
  JobsFunction:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/jobs, Runtime: python3.13, Handler: app.handler}
"""
    api = load(tmp_path, sam)

    assert (api.kind, api.stage) == (ApiKind.WEBSOCKET, "live")
    assert {route.key: route.function for route in api.routes} == {
        "$connect": "JobsFunction",
        "$default": "JobsFunction",
    }


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("$request.body.action", "$request.header.action", "route selection '.request.header.action'"),
        ("$request.body.action", "$request.body.a-$request.body.b", "route selection"),
        ("Name: jobs,", "ApiKeySelectionExpression: a,", "ApiKeySelectionExpression of a WebSocket API"),
        ("IntegrationType: AWS_PROXY", "IntegrationType: HTTP_PROXY", "HTTP_PROXY is not served"),
        ("TimeoutInMillis: 5000", "RequestTemplates: {}", "RequestTemplates of a WebSocket API"),
        ("integrations/${Jobs}", "integrations/${JobsFunction}", "no integration JobsFunction"),
        ("AuthorizationType: CUSTOM", "AuthorizationType: AWS_IAM", "connect: authorization AWS_IAM"),
        ("AuthorizerId: !Ref Tokens", "AuthorizerId: Nobody", "no authorizer Nobody"),
        ("AuthorizerType: REQUEST", "AuthorizerType: JWT", "takes REQUEST alone"),
        ("Name: Tokens", "Name: Tokens\n      AuthorizerResultTtlInSeconds: 60", "without a cache"),
        ("RouteKey: list", "RouteKey: list\n      AuthorizationType: CUSTOM", "list: authorization CUSTOM"),
        ("RouteKey: list", "RouteKey: list\n      ApiKeyRequired: true", "ApiKeyRequired"),
        ("RouteKey: list", "RouteKey: $disconnect", "a route response of .disconnect"),
        ("$default, Target", "list, Target", "two routes have the same key"),
        ("RouteResponseKey: $default", "RouteResponseKey: other", "only the route response .default"),
        ("Type: AWS::ApiGatewayV2::RouteResponse", "Type: AWS::ApiGatewayV2::Model", "Model is not served"),
        ("StageName: live, ApiId: !Ref JobsApi", "StageName: live, ApiId: Another", "JobsApi has no stage"),
    ],
)
def test_what_is_not_served_is_named(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert old in TEMPLATE

    with pytest.raises(TemplateError, match=complaint):
        load(tmp_path, TEMPLATE.replace(old, new))
