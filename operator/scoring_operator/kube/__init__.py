"""The Kubernetes API over plain HTTP: dicts in and out, typed errors, one field manager."""

from scoring_operator.kube.client import Client
from scoring_operator.kube.credentials import Credentials, load_credentials
from scoring_operator.kube.errors import (
    AlreadyExists,
    ApiError,
    BadRequest,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    ServerError,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)
from scoring_operator.kube.resources import ResourceType

__all__ = [
    "AlreadyExists",
    "ApiError",
    "BadRequest",
    "Client",
    "Conflict",
    "Credentials",
    "Forbidden",
    "Gone",
    "Invalid",
    "NotFound",
    "ResourceType",
    "ServerError",
    "TooManyRequests",
    "Unauthorized",
    "Unreachable",
    "load_credentials",
]
