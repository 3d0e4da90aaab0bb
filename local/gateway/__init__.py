"""A local API Gateway: serves the HTTP, REST and WebSocket APIs of a SAM template as AWS would, over any runner."""

from local.gateway.gateway import Gateway
from local.gateway.intrinsics import TemplateError
from local.gateway.messages import GatewayRequest, GatewayResponse, json_response, message_response
from local.gateway.model import Api, ApiKind, Authorizer, MountedApi, Route
from local.gateway.server import RunningServer, serve
from local.gateway.sigv4 import LOCAL_KEY, LOCAL_ROLE_KEY, SigningKey
from local.gateway.translate import load_apis

__all__ = [
    "LOCAL_KEY",
    "LOCAL_ROLE_KEY",
    "Api",
    "ApiKind",
    "Authorizer",
    "Gateway",
    "GatewayRequest",
    "GatewayResponse",
    "MountedApi",
    "Route",
    "RunningServer",
    "SigningKey",
    "TemplateError",
    "json_response",
    "load_apis",
    "message_response",
    "serve",
]
