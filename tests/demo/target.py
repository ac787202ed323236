"""Where the demo runs: the embedded cluster with images built here, or a cluster of the user's."""

import os

from tests.cluster import lifecycle
from tests.cluster.console import say
from tests.cluster.errors import ClusterError
from tests.cluster.state import Request
from tests.deploy import chart
from tests.deploy.images import Images, build_and_load
from tests.deploy.target import Target

CLUSTER = "demo"
EXAMPLES = ("faq", "image-cpu")


def prepare(context: str | None) -> tuple[Target, Images]:
    """The cluster, running, with both images at hand."""
    if context is not None:
        return _users(context)
    lifecycle.up(Request(CLUSTER, "real", 0, 0))
    images = build_and_load(CLUSTER)
    return Target.of_embedded(CLUSTER), images


def remove(context: str | None) -> None:
    """Remove what the demo made: the whole embedded cluster, or its objects on the user's."""
    if context is None:
        if not lifecycle.down(CLUSTER):
            say("there is no demo to clean up")
        return
    target = Target(context, os.environ)
    target.run("kubectl", "delete", "scoringservice", *EXAMPLES, "--ignore-not-found")
    chart.uninstall(target)
    say("the CRD is kept; remove it with: kubectl delete crd scoringservices.scoring.dev")


def _users(context: str) -> tuple[Target, Images]:
    try:
        images = Images(os.environ["OPERATOR_IMAGE"], os.environ["SCORING_IMAGE"])
    except KeyError as missing:
        raise ClusterError(
            f"{missing.args[0]} is not set: build operator/Dockerfile and scoring_image/Dockerfile,"
            " push both where your cluster pulls from, and name them in OPERATOR_IMAGE and"
            " SCORING_IMAGE"
        ) from None
    target = Target(context, os.environ)
    target.run("kubectl", "version")
    return target, images
