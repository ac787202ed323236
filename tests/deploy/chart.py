"""Installs the operator from its chart, and removes it."""

from tests.cluster.errors import ClusterError
from tests.deploy.images import Images
from tests.deploy.target import Target

NAMESPACE = "scoring-system"
RELEASE = "scoring-operator"


def install(target: Target, images: Images) -> None:
    """Install or upgrade the release, and wait until it runs."""
    repository, tag = _split(images.operator)
    values = {
        "image.repository": repository,
        "image.tag": tag,
        "defaults.cpuImage": images.scoring,
    }
    settings = [part for item in values.items() for part in ("--set-string", "=".join(item))]
    try:
        target.run(
            *("helm", "upgrade", RELEASE, "charts/scoring-operator", "--install"),
            *("--namespace", NAMESPACE, "--create-namespace"),
            *("--wait", "--timeout", "5m", *settings),
        )
    except ClusterError as error:
        logs = ("logs", f"deployment/{RELEASE}", "--tail=5")
        pods = target.run("kubectl", "--namespace", NAMESPACE, "get", "pods")
        last_words = target.run("kubectl", "--namespace", NAMESPACE, *logs)
        raise ClusterError(f"{error}\n{pods}{last_words}") from None


def uninstall(target: Target) -> None:
    """Remove the release and its namespace; the CRD is kept."""
    target.run(
        "helm", "uninstall", RELEASE, "--namespace", NAMESPACE, "--wait", "--ignore-not-found"
    )
    target.run("kubectl", "delete", "namespace", NAMESPACE, "--ignore-not-found")


def _split(image: str) -> tuple[str, str]:
    repository, colon, tag = image.rpartition(":")
    if not colon or "/" in tag:
        raise ClusterError(f"the image {image} needs a tag")
    return repository, tag
