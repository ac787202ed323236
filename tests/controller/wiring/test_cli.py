"""The command line, as a user meets it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scoring_operator import cli
from scoring_operator.api.crd import to_yaml
from scoring_operator.manifests import Platform
from scoring_operator.wiring.settings import Settings

FAQ = """
apiVersion: scoring.dev/v1alpha1
kind: ScoringService
metadata: {name: faq, namespace: ml}
spec: {model: {type: faq-matching}, replicas: 2}
"""


def settings(*arguments: str, **environment: str) -> Settings:
    """The settings that `run` would start with."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(f"SCORING_OPERATOR_{name}", value)
        options = cli._parser(os.environ).parse_args(["run", *arguments])
        return cli._settings(options)


def test_run_with_little_said() -> None:
    found = settings("--all-namespaces")
    assert found.namespaces == ()
    assert found.leader_election
    assert (found.port, found.workers, found.log_level) == (8081, 16, "info")


def test_run_with_everything_said() -> None:
    found = settings(
        *("--namespace", "a", "--namespace=b", "--workers", "4", "--no-leader-election"),
        *("--lease-name", "l", "--lease-namespace", "ops", "--port", "9000"),
        *("--log-level", "debug", "--kubeconfig", "/k", "--context", "dev"),
        *("--default-cpu-image", "c", "--default-gpu-image", "g"),
        *("--image-pull-policy", "Never", "--image-pull-secret", "s1", "--image-pull-secret", "s2"),
        *("--private-model-urls", "never"),
        *("--ingress-class", "nginx", "--no-wait-for-ingress-address"),
        *("--pod-monitor-label", "release=prometheus", "--pod-monitor-label", "team=ml"),
        *("--gpu-node-selector", "example.com/gpu=h100"),
        *("--gpu-toleration", "dedicated=gpu:NoSchedule", "--gpu-toleration", "spot"),
    )
    assert found.namespaces == ("a", "b")
    assert (found.workers, found.leader_election, found.port) == (4, False, 9000)
    assert (found.lease_name, found.lease_namespace, found.log_level) == ("l", "ops", "debug")
    assert (found.kubeconfig, found.context) == ("/k", "dev")
    platform = found.platform
    assert (platform.cpu_image, platform.gpu_image) == ("c", "g")
    assert (platform.image_pull_policy, platform.image_pull_secrets) == ("Never", ("s1", "s2"))
    assert platform.private_model_urls == "never"
    assert (platform.ingress_class, platform.wait_for_ingress_address) == ("nginx", False)
    assert platform.pod_monitor_labels == {"release": "prometheus", "team": "ml"}
    assert platform.gpu_node_selector == {"example.com/gpu": "h100"}
    assert platform.gpu_tolerations == (
        {"key": "dedicated", "operator": "Equal", "value": "gpu", "effect": "NoSchedule"},
        {"key": "spot", "operator": "Exists"},
    )


def test_without_options_the_platform_asks_for_nothing() -> None:
    assert settings("--all-namespaces").platform == Platform()


def test_each_option_has_an_environment_variable() -> None:
    found = settings(
        NAMESPACE="a, b",
        WORKERS="4",
        NO_LEADER_ELECTION="true",
        LEASE_NAME="l",
        LEASE_NAMESPACE="ops",
        PORT="9000",
        LOG_LEVEL="debug",
        KUBECONFIG="/k",
        CONTEXT="dev",
        DEFAULT_CPU_IMAGE="c",
        DEFAULT_GPU_IMAGE="g",
        IMAGE_PULL_POLICY="Never",
        IMAGE_PULL_SECRET="s1,s2",
        PRIVATE_MODEL_URLS="never",
        INGRESS_CLASS="nginx",
        NO_WAIT_FOR_INGRESS_ADDRESS="1",
        POD_MONITOR_LABEL="release=prometheus, team=ml",
        GPU_NODE_SELECTOR="example.com/gpu=h100",
        GPU_TOLERATION="dedicated=gpu:NoSchedule,spot",
    )
    said = settings(
        *("--namespace", "a", "--namespace=b", "--workers", "4", "--no-leader-election"),
        *("--lease-name", "l", "--lease-namespace", "ops", "--port", "9000"),
        *("--log-level", "debug", "--kubeconfig", "/k", "--context", "dev"),
        *("--default-cpu-image", "c", "--default-gpu-image", "g"),
        *("--image-pull-policy", "Never", "--image-pull-secret", "s1", "--image-pull-secret", "s2"),
        *("--private-model-urls", "never"),
        *("--ingress-class", "nginx", "--no-wait-for-ingress-address"),
        *("--pod-monitor-label", "release=prometheus", "--pod-monitor-label", "team=ml"),
        *("--gpu-node-selector", "example.com/gpu=h100"),
        *("--gpu-toleration", "dedicated=gpu:NoSchedule", "--gpu-toleration", "spot"),
    )
    assert found.identity != said.identity, "no two processes are the same"
    assert vars(found) | {"identity": ""} == vars(said) | {"identity": ""}


def test_an_option_overrides_its_variable() -> None:
    found = settings("--namespace", "x", "--port", "1", NAMESPACE="a,b", PORT="2")
    assert (found.namespaces, found.port) == (("x",), 1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "--namespace NS … or --all-namespaces"),
        (["--namespace", "a", "--all-namespaces"], "--namespace NS … or --all-namespaces"),
        (["--all-namespaces", "--workers", "0"], "must be at least 1"),
        (["--all-namespaces", "--workers", "many"], "invalid"),
        (["--all-namespaces", "--port", "70000"], "must be a port number"),
        (["--all-namespaces", "--log-level", "loud"], "invalid choice"),
        (["--all-namespaces", "--image-pull-policy", "Sometimes"], "invalid choice"),
        (["--all-namespaces", "--workes", "3"], "unrecognized"),
        (["--all-namespaces", "--pod-monitor-label", "release"], "give KEY=VALUE"),
        (["--all-namespaces", "--gpu-node-selector", "a b=c"], "'a b=c' is not a label"),
        (["--all-namespaces", "--gpu-toleration", "a=b:Never"], "give KEY[=VALUE][:EFFECT]"),
        (["--all-namespaces", "--gpu-toleration", ":NoSchedule"], "is not a toleration"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        settings(*arguments)
    assert exit_.value.code == 2
    assert says in capsys.readouterr().err


def test_a_variable_that_makes_no_sense_is_refused_with_a_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("SCORING_OPERATOR_GPU_TOLERATION", "spot,a=b:Never")
    assert rendered(tmp_path, FAQ) == 2
    assert "'a=b:Never' is not a toleration" in capsys.readouterr().err


def test_crd_prints_the_crd(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["crd"]) == 0
    assert capsys.readouterr().out == to_yaml()


def rendered(tmp_path: Path, text: str, *arguments: str) -> int:
    path = tmp_path / "service.yaml"
    path.write_text(text)
    return cli.main(["render", "-f", str(path), *arguments])


def test_render_prints_the_manifests_of_every_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    second = FAQ.replace("name: faq,", "name: other,")
    assert rendered(tmp_path, f"{FAQ}---\n---\n{second}", "--default-cpu-image", "my:image") == 0
    documents = list(yaml.safe_load_all(capsys.readouterr().out))
    assert [(doc["kind"], doc["metadata"]["name"]) for doc in documents] == [
        (kind, name)
        for name in ("faq", "other")
        for kind in (
            *("Service", "NetworkPolicy", "PodDisruptionBudget"),
            *("Deployment", "PodMonitor"),
        )
    ]
    containers = documents[3]["spec"]["template"]["spec"]["containers"]
    assert containers[0]["image"] == "my:image"
    assert all("ownerReferences" not in doc["metadata"] for doc in documents)


def test_render_quotes_what_kubectl_would_read_as_something_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    added = "podTemplate: {nodeSelector: {a: 'y', b: 'N', c: 'no', d: '1'}}"
    assert rendered(tmp_path, FAQ.replace("replicas: 2", added)) == 0
    printed = capsys.readouterr().out
    for line in ("a: 'y'", "b: 'N'", "c: 'no'", "d: '1'"):
        assert f"{line}\n" in printed


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{FAQ}---\n{FAQ.replace('faq-matching', 'tea-leaves')}", "document 2 (faq): spec.model"),
        (FAQ.replace("replicas", "replica"), "document 1 (faq): spec.replica: unknown field"),
        ("kind: Deployment\napiVersion: apps/v1", "document 1: expected apiVersion scoring.dev"),
        ("- a list", "document 1: not a Kubernetes object"),
        ("{[", "not YAML"),
        ("", "there is no ScoringService in it"),
    ],
)
def test_render_names_file_document_and_fault_and_prints_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    assert rendered(tmp_path, text) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"service.yaml: {says}" in printed.err


@pytest.mark.parametrize("name", ["nowhere.yaml", "."])
def test_a_file_that_cannot_be_read_is_an_error(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["render", "-f", str(tmp_path / name)]) == 1
    assert str(tmp_path / name) in capsys.readouterr().err


def test_the_module_reads_its_input_and_stays_quiet_when_the_reader_leaves() -> None:
    command = [sys.executable, "-m", "scoring_operator", "render", "-f", "-"]
    done = subprocess.run(command, input=FAQ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("apiVersion: v1\nkind: Service")


def test_without_a_cluster_run_says_what_it_tried() -> None:
    command = [sys.executable, "-m", "scoring_operator", "run", "--all-namespaces"]
    done = subprocess.run(
        [*command, "--kubeconfig", "/nowhere"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "/nowhere" in done.stderr
    assert "Traceback" not in done.stderr
