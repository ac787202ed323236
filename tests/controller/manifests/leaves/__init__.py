"""One row per leaf of the spec: what it changes in which child, as rendered and as stored."""

from tests.controller.manifests.leaves.children import Children, by_kind
from tests.controller.manifests.leaves.exposed import EXPOSED
from tests.controller.manifests.leaves.pods import PODS
from tests.controller.manifests.leaves.row import Row, identified
from tests.controller.manifests.leaves.scaling import SCALING
from tests.controller.manifests.leaves.serving import SERVING

ROWS = identified([*SERVING, *SCALING, *EXPOSED, *PODS])

__all__ = ["ROWS", "Children", "Row", "by_kind"]
