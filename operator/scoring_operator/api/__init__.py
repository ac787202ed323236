"""The ScoringService resource: spec and status as pydantic models, and the CRD made of them."""

from scoring_operator.api.constants import (
    API_VERSION,
    FIELD_MANAGER,
    GROUP,
    KIND,
    LABEL_MANAGED_BY,
    LABEL_NAME,
    MANAGED_BY,
    PLURAL,
    VERSION,
)
from scoring_operator.api.resource import InvalidResource, ObjectMeta, ScoringService
from scoring_operator.api.spec import ScoringServiceSpec

__all__ = [
    "API_VERSION",
    "FIELD_MANAGER",
    "GROUP",
    "KIND",
    "LABEL_MANAGED_BY",
    "LABEL_NAME",
    "MANAGED_BY",
    "PLURAL",
    "VERSION",
    "InvalidResource",
    "ObjectMeta",
    "ScoringService",
    "ScoringServiceSpec",
]
