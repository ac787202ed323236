"""Names that the resource, its children and the operator share."""

GROUP = "scoring.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "ScoringService"
PLURAL = "scoringservices"
SINGULAR = "scoringservice"
SHORT_NAMES = ["scs"]
CATEGORIES = ["all", "scoring"]

FIELD_MANAGER = "scoring-operator"
MANAGED_BY = "scoring-operator"
LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
# Also the Deployment's selector, so it can never change once a service is deployed.
LABEL_NAME = f"{GROUP}/name"
