"""APIs are read from what the SAM translator would deploy."""

from pathlib import Path

import pytest

from local.templates.apis import load_apis
from local.templates.intrinsics import TemplateError
from local.templates.model import (
    Api,
    ApiKind,
    AuthorizerType,
    CustomRefusal,
    IdentitySource,
    Route,
    SourceKind,
)

FOREIGN_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:shared-authorizer"
SAMPLES = Path(__file__).parents[1] / "samples"
HTTP_TEMPLATE = (SAMPLES / "jobs_http.yaml").read_text(encoding="utf-8")
REST_TEMPLATE = (SAMPLES / "jobs_rest.yaml").read_text(encoding="utf-8")


def load(tmp_path: Path, text: str, **parameters: object) -> Api:
    template = tmp_path / "template.yaml"
    template.write_text(text, encoding="utf-8")
    given = {"AuthorizerFunctionArn": FOREIGN_ARN, **parameters}
    return load_apis(template, given, {FOREIGN_ARN: "AuthorizerFunction"})["JobsApi"]


def routes_of(api: Api) -> dict[str, Route]:
    return {route.key: route for route in api.routes}


@pytest.fixture
def http_api(tmp_path: Path) -> Api:
    return load(tmp_path, HTTP_TEMPLATE)


@pytest.fixture
def rest_api(tmp_path: Path) -> Api:
    return load(tmp_path, REST_TEMPLATE)


def test_an_http_api_has_its_routes_and_its_stage(http_api: Api) -> None:
    assert (http_api.kind, http_api.id, http_api.stage) == (ApiKind.HTTP, "jobsapi", "$default")
    assert set(routes_of(http_api)) == {
        "GET /jobs",
        "POST /sign",
        "GET /open",
        "ANY /old/{proxy+}",
        "$default",
    }
    assert {route.function for route in http_api.routes} == {"JobsFunction"}


def test_each_http_route_has_its_own_authorization(http_api: Api) -> None:
    routes = routes_of(http_api)

    listing, signing = routes["GET /jobs"], routes["POST /sign"]
    assert listing.authorizer is not None
    assert listing.authorizer.name == "Tokens"
    assert (signing.iam, signing.authorizer) == (True, None)
    assert (routes["GET /open"].iam, routes["GET /open"].authorizer) == (False, None)
    assert routes["$default"].authorizer is None


def test_an_integration_has_its_payload_version_and_time_limit(http_api: Api) -> None:
    routes = routes_of(http_api)

    assert (routes["GET /jobs"].payload_version, routes["GET /jobs"].timeout_s) == ("2.0", 30.0)
    old = routes["ANY /old/{proxy+}"]
    assert (old.payload_version, old.timeout_s) == ("1.0", 5.0)


def test_http_authorizers_have_function_sources_and_cache_time(http_api: Api) -> None:
    authorizers = {authorizer.name: authorizer for authorizer in http_api.authorizers}
    tokens, policies = authorizers["Tokens"], authorizers["Policies"]

    assert tokens.function == "AuthorizerFunction"
    assert (tokens.ttl_s, tokens.payload_version, tokens.simple_responses) == (30, "2.0", True)
    assert tokens.identity_sources == (IdentitySource(SourceKind.HEADER, "Authorization"),)
    assert policies.function == "OwnAuthorizer"
    assert (policies.ttl_s, policies.payload_version, policies.simple_responses) == (
        0,
        "1.0",
        False,
    )
    assert set(policies.identity_sources) == {
        IdentitySource(SourceKind.HEADER, "Cookie"),
        IdentitySource(SourceKind.QUERY, "t"),
        IdentitySource(SourceKind.STAGE_VARIABLE, "colour"),
        IdentitySource(SourceKind.CONTEXT, "routeKey"),
    }


def test_a_parameter_sets_the_cache_time(tmp_path: Path) -> None:
    api = load(tmp_path, HTTP_TEMPLATE, Ttl=0)

    assert {authorizer.ttl_s for authorizer in api.authorizers} == {0}


def test_a_rest_api_has_routes_stage_variables_and_binary_types(rest_api: Api) -> None:
    routes = routes_of(rest_api)

    assert (rest_api.kind, rest_api.stage) == (ApiKind.REST, "live")
    assert set(routes) == {"GET /jobs", "ANY /all/{proxy+}", "POST /sign", "GET /open"}
    assert dict(rest_api.stage_variables) == {"colour": "green"}
    assert rest_api.binary_media_types == ("image/png",)
    assert (routes["GET /jobs"].payload_version, routes["GET /jobs"].timeout_s) == ("1.0", 29.0)
    assert routes["POST /sign"].iam
    assert routes["GET /open"].authorizer is None


def test_a_rest_token_authorizer_without_a_cache_time_caches_300_seconds(rest_api: Api) -> None:
    tokens = routes_of(rest_api)["GET /jobs"].authorizer

    assert tokens is not None
    assert (tokens.type, tokens.ttl_s) == (AuthorizerType.TOKEN, 300)
    assert tokens.validation_expression == "^Bearer .+"
    assert tokens.identity_sources == (IdentitySource(SourceKind.HEADER, "X-Token"),)
    assert tokens.function == "AuthorizerFunction"


def test_a_rest_request_authorizer_keeps_a_cache_time_of_zero(rest_api: Api) -> None:
    requests = routes_of(rest_api)["ANY /all/{proxy+}"].authorizer

    assert requests is not None
    assert (requests.type, requests.ttl_s) == (AuthorizerType.REQUEST, 0)
    assert requests.identity_sources == (
        IdentitySource(SourceKind.HEADER, "Authorization"),
        IdentitySource(SourceKind.QUERY, "t"),
        IdentitySource(SourceKind.CONTEXT, "identity.sourceIp"),
    )


def gateway_responses(indented: str) -> str:
    return REST_TEMPLATE.replace("      Auth:\n", f"      GatewayResponses:\n{indented}      Auth:\n", 1)


def test_a_rest_api_has_its_gateway_responses(tmp_path: Path) -> None:
    text = gateway_responses(
        """        UNAUTHORIZED: {ResponseParameters: {Headers: {WWW-Authenticate: "'Bearer'"}}}
        DEFAULT_5XX: {StatusCode: 503, ResponseTemplates: {application/json: "{}"}}
"""
    )

    assert dict(load(tmp_path, text).custom_refusals) == {
        "UNAUTHORIZED": CustomRefusal(None, (("WWW-Authenticate", "'Bearer'"),), None),
        "DEFAULT_5XX": CustomRefusal(503, (), "{}"),
    }


@pytest.mark.parametrize(
    ("response", "complaint"),
    [
        ("NO_SUCH_TYPE: {StatusCode: 401}", "unknown gateway response NO_SUCH_TYPE"),
        ("UNAUTHORIZED: {ResponseTemplates: {text/html: a}}", "only application/json"),
        ("UNAUTHORIZED: {ResponseParameters: {Headers: {A: bare}}}", "bare is not served"),
        ("UNAUTHORIZED: {ResponseParameters: {Headers: {A: method.request.path.id}}}", "path.id is not"),
        ("UNAUTHORIZED: {ResponseParameters: {Paths: {A: context.path}}}", "path.A is not served"),
    ],
)
def test_a_gateway_response_that_is_not_served_is_refused(
    tmp_path: Path, response: str, complaint: str
) -> None:
    with pytest.raises(TemplateError, match=complaint):
        load(tmp_path, gateway_responses(f"        {response}\n"))


def test_the_stage_name_may_be_a_parameter(tmp_path: Path) -> None:
    assert load(tmp_path, REST_TEMPLATE, StageName="test").stage == "test"


def test_a_function_under_a_false_condition_has_no_routes(tmp_path: Path) -> None:
    assert "GET /admin" not in routes_of(load(tmp_path, HTTP_TEMPLATE))
    with_admin = load(tmp_path, HTTP_TEMPLATE, WithAdmin="yes")
    assert "GET /admin" in routes_of(with_admin)


def test_a_function_behind_an_alias_keeps_its_name(tmp_path: Path) -> None:
    aliased = "CodeUri: functions/jobs\n      AutoPublishAlias: live"
    text = HTTP_TEMPLATE.replace("CodeUri: functions/jobs", aliased)

    assert routes_of(load(tmp_path, text))["GET /jobs"].function == "JobsFunction"


def test_an_authorizer_of_an_unlisted_stack_is_named_by_its_arn(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(HTTP_TEMPLATE, encoding="utf-8")

    api = load_apis(template, {"AuthorizerFunctionArn": FOREIGN_ARN})["JobsApi"]

    assert {authorizer.function for authorizer in api.authorizers} == {
        "shared-authorizer",
        "OwnAuthorizer",
    }


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("!Ref Ttl", "3601", "outside 0 to 3600"),
        ("Headers: [Authorization]", "", "needs an identity source"),
        ("!Ref AuthorizerFunctionArn", "!Ref Nobody", "Nobody has no value"),
        ("!Ref AuthorizerFunctionArn", "!ImportValue x", "no stack exports x"),
        ("!Ref AuthorizerFunctionArn", "!GetAZs x", "not resolved"),
        ("Auth: {Authorizer: Policies}", "Auth: {Authorizer: Absent}", "Absent"),
        ("      Auth:\n", "      CorsConfiguration: true\n      Auth:\n", "CORS"),
        ("DefaultAuthorizer: Tokens", "DefaultAuthorizer: Absent", "DefaultAuthorizer"),
        ("Type: AWS::Serverless::Function\n", "Type: AWS::Foo::Bar\n", "no Lambda function"),
    ],
)
def test_a_template_that_would_not_work_is_refused(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    assert old in HTTP_TEMPLATE

    with pytest.raises(TemplateError, match=complaint):
        load(tmp_path, HTTP_TEMPLATE.replace(old, new))


def test_an_unknown_parameter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="unknown parameters: Tll"):
        load(tmp_path, HTTP_TEMPLATE, Tll=3)
