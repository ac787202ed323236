"""The real node: an image built here runs, answers through a Service, is measured and is scaled."""

import contextlib
import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster import containerd, images
from tests.cluster.fixtures import Cluster
from tests.cluster.paths import cluster_paths

pytestmark = pytest.mark.node

_DEADLINE_SECONDS = 180.0
_TAG = "localhost/scoring-cluster-test:1"
_NAMESPACE = "node-works"
_DOCKERFILE = """\
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE}
COPY greeting /srv/greeting
USER 10001:10001
CMD ["python3", "-m", "http.server", "8080", "--directory", "/srv"]
"""


def _wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.5)


@pytest.fixture(scope="module")
def cluster(node_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The node with the test's image on it and a namespace of the test's own."""
    if not node_cluster.is_embedded:
        pytest.skip("a cluster of the user's does not take images from a file")
    context = tmp_path_factory.mktemp("image")
    (context / "greeting").write_text("hello from a pod\n")
    (context / "Dockerfile").write_text(_DOCKERFILE)
    request = images.ImageBuild(context / "Dockerfile", context, _TAG)
    archive = images.build(request, out=context / "image.tar")
    assert containerd.load_image(cluster_paths(node_cluster.name), archive) == [_TAG]
    node_cluster.kubectl("create", "namespace", _NAMESPACE)
    yield node_cluster
    node_cluster.kubectl("delete", "namespace", _NAMESPACE, "--wait=false")


def _web(volumes: bool = False) -> dict[str, object]:
    container: dict[str, object] = {
        "name": "web",
        "image": _TAG,
        "imagePullPolicy": "Never",
        "ports": [{"containerPort": 8080}],
        # Patient: with the little CPU that it may use, it answers late on a busy machine.
        "readinessProbe": {
            "httpGet": {"path": "/greeting", "port": 8080},
            "periodSeconds": 1,
            "timeoutSeconds": 10,
            "failureThreshold": 10,
        },
        "resources": {"requests": {"cpu": "50m"}, "limits": {"cpu": "200m"}},
    }
    specification: dict[str, object] = {"containers": [container]}
    if volumes:
        container["volumeMounts"] = [{"name": "model", "mountPath": "/model"}]
        image = {"reference": _TAG, "pullPolicy": "Never"}
        specification["volumes"] = [{"name": "model", "image": image}]
    return {"metadata": {"labels": {"app": "web"}}, "spec": specification}


def _apply(cluster: Cluster, *manifests: dict[str, object]) -> None:
    for manifest in manifests:
        cluster.kubectl("apply", "-n", _NAMESPACE, "-f", "-", stdin=json.dumps(manifest))


@pytest.fixture(scope="module")
def web(cluster: Cluster) -> str:
    """A Deployment of two pods with a Service, ready; returns the Service's cluster address."""
    labels = {"app": "web"}
    _apply(
        cluster,
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web"},
            "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": _web()},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web"},
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]},
        },
    )
    rollout = ("rollout", "status", "-n", _NAMESPACE, "deployment/web", "--timeout=180s")
    cluster.kubectl(*rollout, timeout=200)
    address = cluster.kubectl(
        "get", "service", "web", "-n", _NAMESPACE, "-o", "jsonpath={.spec.clusterIP}"
    )
    _wait_until(lambda: _accepts(address), "kube-proxy does not follow")
    return address


def _accepts(address: str) -> bool:
    """Whether the Service takes connections; each attempt is short, from a port of its own."""
    try:
        socket.create_connection((address, 80), timeout=1).close()
    except OSError:
        return False
    return True


def test_a_service_answers_this_machine_at_its_cluster_address(web: str) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"http://{web}/greeting", timeout=60) as answer:
        assert answer.read() == b"hello from a pod\n"


def test_a_pod_reaches_services_and_the_api_server(cluster: Cluster, web: str) -> None:
    program = (
        "import os, ssl, urllib.request as u\n"
        f"print(u.urlopen('http://{web}/greeting', timeout=50).read())\n"
        "tls = ssl.create_default_context(\n"
        "    cafile='/var/run/secrets/kubernetes.io/serviceaccount/ca.crt')\n"
        "host = os.environ['KUBERNETES_SERVICE_HOST']\n"
        "print(u.urlopen(f'https://{host}/version', context=tls, timeout=50).status)\n"
    )
    # Several times, as the Service picks a pod anew: also the one that asks.
    for _ in range(6):
        said = cluster.kubectl(
            "exec", "-n", _NAMESPACE, "deployment/web", "--", "python3", "-c", program
        )
        assert said == "b'hello from a pod\\n'\n200\n"


def test_a_pod_finds_services_by_name(cluster: Cluster, web: str) -> None:
    program = (
        "import socket\n"
        "for name in ('web', 'web.node-works.svc.cluster.local', 'kubernetes.default'):\n"
        "    print(socket.gethostbyname(name))\n"
        "try:\n"
        "    socket.gethostbyname('nowhere.example')\n"
        "except socket.gaierror as error:\n"
        "    print(error.errno == socket.EAI_NONAME)\n"
    )
    kubernetes = cluster.kubectl("get", "service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}")
    said: list[str] = []

    def are_found() -> bool:  # the name service learns of a Service a while after it was made
        command = ("exec", "-n", _NAMESPACE, "deployment/web", "--", "python3", "-c", program)
        with contextlib.suppress(subprocess.CalledProcessError):
            said[:] = cluster.kubectl(*command).split()
        return said == [web, web, kubernetes, "True"]

    _wait_until(are_found, "the name service does not know all")


def test_logs_are_read_through_the_api_server(cluster: Cluster, web: str) -> None:
    assert "GET /greeting" in cluster.kubectl("logs", "-n", _NAMESPACE, "deployment/web")


def test_an_image_can_be_mounted_as_a_volume(cluster: Cluster, web: str) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", **_web(volumes=True)}
    pod["metadata"] = {"name": "with-volume"}
    _apply(cluster, pod)
    ready = ("wait", "-n", _NAMESPACE, "pod/with-volume", "--for=condition=Ready")
    cluster.kubectl(*ready, "--timeout=180s", timeout=200)
    mounted = ("exec", "-n", _NAMESPACE, "with-volume", "--", "cat", "/model/srv/greeting")
    assert cluster.kubectl(*mounted) == "hello from a pod\n"


def test_an_image_that_is_nowhere_is_reported_soon(cluster: Cluster) -> None:
    cluster.kubectl("run", "missing", "-n", _NAMESPACE, "--image=localhost/nowhere:1")
    reason = "{.status.containerStatuses[0].state.waiting.reason}"
    get = ("get", "pod", "missing", "-n", _NAMESPACE, "-o", f"jsonpath={reason}")
    _wait_until(lambda: cluster.kubectl(*get) in ("ErrImagePull", "ImagePullBackOff"), "no error")


def test_the_autoscaler_adds_pods_by_measured_cpu(cluster: Cluster, web: str) -> None:
    metric = {"type": "Utilization", "averageUtilization": 50}
    _apply(
        cluster,
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "web"},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                "minReplicas": 2,
                "maxReplicas": 3,
                "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": metric}}],
            },
        },
    )
    burn = (
        "import subprocess, sys\n"
        "quiet = subprocess.DEVNULL  # with the command's own outputs, exec would wait for it\n"
        "subprocess.Popen([sys.executable, '-c', 'while True: pass'], stdout=quiet, stderr=quiet)\n"
    )
    cluster.kubectl("exec", "-n", _NAMESPACE, "deployment/web", "--", "python3", "-c", burn)
    get = ("get", "deployment", "web", "-n", _NAMESPACE, "-o", "jsonpath={.spec.replicas}")
    _wait_until(lambda: cluster.kubectl(*get) == "3", "the autoscaler did not add a pod")


def test_the_archive_of_an_image_is_built_once(
    tmp_path: Path, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "greeting").write_text("hello from a pod\n")
    (tmp_path / "Dockerfile").write_text(_DOCKERFILE)
    images.build(images.ImageBuild(tmp_path / "Dockerfile", tmp_path, _TAG))
    told = capsys.readouterr().err
    assert "is there already" in told
    assert "building" not in told
