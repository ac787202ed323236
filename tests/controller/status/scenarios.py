"""What can be observed of a service, and what its status says then: one row a case.

Read by the tests of `summarize()` and by those of the tools that wait for a resource (Argo CD,
Flux, Helm), so that all are about the same situations.
"""

from typing import Final

from scoring_operator.status import Refusal
from scoring_operator.status.reasons import Reason
from tests.controller.builders import IMAGE_GPU, crashed, deployment, pod
from tests.controller.status.observations import (
    Scenario,
    crashes,
    exposed,
    fetching,
    leaving,
    lost,
    overdue,
    pending,
    refused_pods,
    routed,
    waits,
)

NONE = deployment(ready=0)
"""The only pod there is does not serve."""
WHOLE = deployment()
OLD_SERVES = deployment(desired=2, replicas=3, updated=1, ready=2)
"""A surge roll-out: the old pods serve, the new one does not."""
NO_PODS = deployment(replicas=0, updated=0, ready=0)

GPU = {**IMAGE_GPU, "replicas": 1}
MIG = {**IMAGE_GPU, "hardware": {"type": "gpu", "gpu": {"resourceName": "nvidia.com/mig-1g.5gb"}}}
KEYS = {"auth": {"apiKeys": {"secretName": "keys"}}}
PULL = {"imagePullSecrets": [{"name": "regcred"}]}
SCALED = {"autoscaling": {"minReplicas": 2, "maxReplicas": 5}}


TLS = exposed(tls={"secretName": "faq-tls"})
ISSUED = exposed(tls={"secretName": "faq-tls", "issuerRef": {"name": "ca"}})
CLASSLESS = exposed()
GATEWAY = exposed(api="Gateway", gateway={"parentRef": {"name": "public"}})


FULL = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: not helpful."
SELECTOR = "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector."
QUOTA = 'pods "faq-1" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1'
PULLING = 'Back-off pulling image "x": ErrImagePull: no such host'
GATED = [
    {
        "type": "PodScheduled",
        "status": "False",
        "reason": "SchedulingGated",
        "message": "Scheduling is blocked due to non-empty scheduling gates",
    }
]
R = Reason

SCENARIOS: Final = [
    # What a service is when all is well.
    Scenario("all serve", R.ALL_REPLICAS_READY, "Ready", "1 of 1", live=WHOLE),
    Scenario(
        "suspended", R.SUSPENDED, "Ready", "suspend", {"suspend": True}, deployment(desired=0)
    ),
    Scenario(
        "scaled to zero", R.SCALED_TO_ZERO, "Ready", "is 0", {"replicas": 0}, deployment(desired=0)
    ),
    Scenario(
        "suspended while autoscaled",
        *(R.SUSPENDED, "Ready", "suspend"),
        *({**SCALED, "suspend": True}, deployment(desired=0)),
    ),
    Scenario(
        "the autoscaler adds a pod",
        *(R.ALL_REPLICAS_READY, "Ready", "2 of 3"),
        *(SCALED, deployment(desired=3, ready=2), [pod()]),
    ),
    Scenario(
        "the autoscaler takes a pod away",
        *(R.ALL_REPLICAS_READY, "Ready", "3 of 2"),
        *(SCALED, deployment(desired=2, replicas=3, updated=3, ready=3)),
    ),
    # On the way.
    Scenario("nothing is there yet", R.ROLLOUT_IN_PROGRESS, "Reconciling", "is being updated"),
    Scenario(
        "the Deployment has not seen its change",
        *(R.ROLLOUT_IN_PROGRESS, "Reconciling", "is being updated"),
        live=deployment(generation=2, observed_generation=1),
    ),
    Scenario(
        "a roll-out goes on", R.ROLLOUT_IN_PROGRESS, "Reconciling", "1 updated", live=OLD_SERVES
    ),
    Scenario(
        "a pod's containers are being created",
        *(R.ROLLOUT_IN_PROGRESS, "Reconciling", "0 of 1"),
        live=NONE,
        pods=waits("ContainerCreating"),
    ),
    Scenario("a model loads", R.MODEL_LOADING, "Reconciling", "loading", {}, NONE, [pod()]),
    Scenario(
        "a model is fetched",
        *(R.MODEL_LOADING, "Reconciling", "loading"),
        *({}, NONE, fetching(state={"running": {}})),
    ),
    Scenario(
        "the autoscaler has not reached its fewest yet",
        *(R.ROLLOUT_IN_PROGRESS, "Reconciling", "1 of at least 2"),
        *(SCALED, WHOLE),
    ),
    Scenario(
        "resumed while autoscaled",
        *(R.ROLLOUT_IN_PROGRESS, "Reconciling", "0 of at least 2"),
        *(SCALED, deployment(desired=0)),
    ),
    Scenario(
        "a pod goes away",
        R.ROLLOUT_IN_PROGRESS,
        "Reconciling",
        "0 of 1",
        {},
        NONE,
        leaving(crashes(137)),
    ),
    # Nodes.
    Scenario(
        "no GPU is free", R.INSUFFICIENT_ACCELERATORS, "Reconciling", FULL, GPU, NONE, pending(FULL)
    ),
    Scenario(
        "no MIG slice is free",
        *(R.INSUFFICIENT_ACCELERATORS, "Reconciling", "mig-1g.5gb"),
        *(MIG, NONE, pending(FULL.replace("gpu", "mig-1g.5gb"))),
    ),
    Scenario(
        "another GPU resource is short",
        *(R.UNSCHEDULABLE, "Reconciling", "gpu.shared"),
        *(GPU, NONE, pending(FULL.replace("nvidia.com/gpu", "nvidia.com/gpu.shared"))),
    ),
    Scenario(
        "no GPU for the autoscaler's next pod",
        *(R.ALL_REPLICAS_READY, "Ready", f"2 of 3 replicas ready; pod faq-1: {FULL}"),
        *({**IMAGE_GPU, **SCALED}, deployment(desired=3, ready=2), pending(FULL)),
    ),
    Scenario(
        "no room for the autoscaler's next pod, and another one crashes",
        *(R.UNSCHEDULABLE, "Reconciling", SELECTOR),
        *(SCALED, deployment(desired=4, ready=2)),
        [*pending(SELECTOR), pod("faq-0", containers=[crashed(1, "")])],
    ),
    Scenario(
        "no node has the labels",
        *(R.UNSCHEDULABLE, "Reconciling", SELECTOR),
        *({}, NONE, pending(SELECTOR)),
    ),
    Scenario(
        "no node has the memory",
        *(R.UNSCHEDULABLE, "Reconciling", "Insufficient memory"),
        *(GPU, NONE, pending("0/1 nodes are available: 1 Insufficient memory.")),
    ),
    Scenario(
        "no claim of that name",
        *(R.UNSCHEDULABLE, "Reconciling", 'persistentvolumeclaim "models" not found'),
        *({}, NONE, pending('persistentvolumeclaim "models" not found')),
    ),
    Scenario(
        "a claim is not bound",
        *(R.UNSCHEDULABLE, "Reconciling", "unbound immediate"),
        *({}, NONE, pending("pod has unbound immediate PersistentVolumeClaims")),
    ),
    Scenario(
        "scheduling is gated",
        *(R.UNSCHEDULABLE, "Reconciling", "scheduling gates"),
        *({}, NONE, [pod(phase="Pending", conditions=GATED)]),
    ),
    Scenario(
        "the kubelet has no healthy GPU",
        *(R.INSUFFICIENT_ACCELERATORS, "Reconciling", "Allocate failed"),
        *(GPU, NONE),
        lost("UnexpectedAdmissionError", "Allocate failed: no healthy devices for nvidia.com/gpu"),
    ),
    Scenario(
        "the kubelet has no room after all",
        *(R.UNSCHEDULABLE, "Reconciling", "OutOfcpu"),
        *({}, NONE, lost("OutOfcpu", "Node didn't have enough resource: cpu")),
    ),
    Scenario(
        "evicted for memory, and not replaced",
        *(R.OUT_OF_MEMORY, "Reconciling", "low on resource"),
        *({}, NONE, lost("Evicted", "The node was low on resource: memory.")),
    ),
    Scenario(
        "evicted for its scratch volume, and not replaced",
        *(R.CRASH_LOOPING, "Reconciling", "EmptyDir"),
        *({}, NONE, lost("Evicted", 'Usage of EmptyDir volume "tmp" exceeds the limit "64Mi"')),
    ),
    # Images.
    Scenario(
        "no such image",
        *(R.IMAGE_PULL_FAILED, "Reconciling", "manifest unknown"),
        *({}, NONE, waits("ErrImagePull", "manifest unknown")),
    ),
    Scenario(
        "no such registry, in the back-off",
        *(R.IMAGE_PULL_FAILED, "Reconciling", "pod faq-1: no such host"),
        *({}, NONE, waits("ImagePullBackOff", PULLING)),
    ),
    Scenario(
        "no name of an image",
        *(R.IMAGE_PULL_FAILED, "Reconciling", "invalid reference format"),
        *({}, NONE, waits("InvalidImageName", "couldn't parse: invalid reference format")),
    ),
    Scenario(
        "an image that must be there already",
        *(R.IMAGE_PULL_FAILED, "Reconciling", "Never"),
        *({}, NONE, waits("ErrImageNeverPull", "not present with pull policy of Never")),
    ),
    Scenario(
        "an image without a valid signature",
        *(R.IMAGE_PULL_FAILED, "Reconciling", "SignatureValidationFailed"),
        *({}, NONE, waits("SignatureValidationFailed")),
    ),
    Scenario(
        "no Secret to pull with",
        *(R.SECRET_NOT_FOUND, "Reconciling", "regcred (imagePullSecrets)"),
        *(PULL, NONE, waits("ErrImagePull", "401 Unauthorized")),
        missing=["regcred"],
    ),
    Scenario(
        "still no Secret to pull with",
        *(R.SECRET_NOT_FOUND, "Stalled", "401 Unauthorized"),
        *(PULL, NONE, waits("ErrImagePull", "401 Unauthorized")),
        missing=["regcred"],
        for_seconds=60,
    ),
    Scenario(
        "a pull Secret that the image does not need",
        *(R.ALL_REPLICAS_READY, "Ready", "1 of 1"),
        *(PULL, WHOLE),
        missing=["regcred"],
    ),
    # Containers.
    Scenario(
        "the server crashes, and a pod of before serves",
        *(R.CRASH_LOOPING, "Reconciling", "1 of 1 replicas ready, 1 still to be replaced; pod"),
        *({}, deployment(replicas=2, updated=1, ready=1), crashes(1, "ValueError: x")),
    ),
    Scenario(
        "the server crashes",
        *(R.CRASH_LOOPING, "Reconciling", "exit status 1: ValueError: x"),
        *({}, NONE, crashes(1, "Traceback\nValueError: x")),
    ),
    Scenario(
        "its GPU failed",
        *(R.ACCELERATOR_LOST, "Reconciling", "pod faq-1: the GPU failed: CUDA error: unspecified"),
        *(GPU, NONE, crashes(70, "DeviceLost: the GPU failed: CUDA error: unspecified")),
    ),
    Scenario(
        "it crashed and is being started again",
        *(R.CRASH_LOOPING, "Reconciling", "boom"),
        *({}, NONE, [pod(containers=[{**crashed(1, "boom"), "state": {"running": {}}}])]),
    ),
    Scenario(
        "its probes restart it",
        *(R.CRASH_LOOPING, "Reconciling", "startup.timeoutSeconds"),
        *({}, NONE, crashes(0)),
    ),
    Scenario(
        "the command is not in the image",
        *(R.CRASH_LOOPING, "Reconciling", "StartError: exec: no such file"),
        *({}, NONE, crashes(128, "exec: no such file", reason="StartError")),
    ),
    Scenario(
        "the runtime cannot run it",
        *(R.CRASH_LOOPING, "Reconciling", "ContainerCannotRun: oci runtime"),
        *({}, NONE, crashes(127, "oci runtime error", reason="ContainerCannotRun")),
    ),
    Scenario(
        "the runtime cannot create it",
        *(R.CRASH_LOOPING, "Reconciling", "no command specified"),
        *({}, NONE, waits("CreateContainerError", "no command specified")),
    ),
    Scenario(
        "too little memory",
        *(R.OUT_OF_MEMORY, "Reconciling", "memory limit"),
        *({}, NONE, crashes(137, reason="OOMKilled")),
    ),
    Scenario(
        "too little memory to fetch the model",
        *(R.OUT_OF_MEMORY, "Reconciling", "memory limit"),
        *({}, NONE, fetching(state={"terminated": {"exitCode": 137, "reason": "OOMKilled"}})),
    ),
    Scenario(
        "a ConfigMap of the user's is not there",
        *(R.INVALID_SPEC, "Reconciling", 'configmap "c" not found'),
        *({}, NONE, waits("CreateContainerConfigError", 'configmap "c" not found')),
    ),
    Scenario(
        "a Secret of the user's is not there",
        *(R.SECRET_NOT_FOUND, "Reconciling", 'secret "s" not found'),
        *({}, NONE, waits("CreateContainerConfigError", 'secret "s" not found')),
    ),
    Scenario(
        "the image runs as root",
        *(R.INVALID_SPEC, "Reconciling", "runAsNonRoot"),
        *({}, NONE, waits("CreateContainerConfigError", "container has runAsNonRoot and is root")),
    ),
    # What the server itself refuses.
    Scenario(
        "a damaged model",
        *(R.MODEL_LOAD_FAILED, "Reconciling", "pod faq-1: model.npz is damaged"),
        *({}, NONE, crashes(78, "ModelLoadFailed: model.npz is damaged")),
    ),
    Scenario(
        "a damaged model, again and again",
        *(R.MODEL_LOAD_FAILED, "Stalled", "damaged"),
        *({}, NONE, crashes(78, "ModelLoadFailed: model.npz is damaged", restarts=3)),
    ),
    Scenario(
        "a model that cannot be fetched",
        *(R.MODEL_LOAD_FAILED, "Reconciling", "wrong sha256"),
        *({}, NONE),
        fetching(
            state={"terminated": {"exitCode": 78, "message": "ModelLoadFailed: wrong sha256"}}
        ),
    ),
    Scenario(
        "a Secret without keys",
        *(R.CONFIGURATION_INVALID, "Reconciling", "pod faq-1: no key in /etc"),
        *(KEYS, NONE, crashes(78, "ConfigurationInvalid: no key in /etc")),
    ),
    Scenario(
        "a Secret without keys, again and again",
        *(R.CONFIGURATION_INVALID, "Stalled", "no key"),
        *(KEYS, NONE, crashes(78, "ConfigurationInvalid: no key in /etc", restarts=3)),
    ),
    # What the API server refuses.
    Scenario(
        "the quota is used up", R.QUOTA_EXCEEDED, "Reconciling", QUOTA, live=refused_pods(QUOTA)
    ),
    Scenario(
        "the quota wants a limit",
        *(R.QUOTA_EXCEEDED, "Reconciling", "must specify limits.cpu"),
        live=refused_pods('pods "faq-1" is forbidden: failed quota: q: must specify limits.cpu'),
    ),
    Scenario(
        "pods break a policy",
        *(R.ADMISSION_DENIED, "Reconciling", "no latest tag"),
        live=refused_pods("admission webhook denied the request: no latest tag"),
    ),
    Scenario(
        "a child breaks a policy",
        *(R.ADMISSION_DENIED, "Reconciling", "Service faq: not on Sundays"),
        live=WHOLE,
        refusals=[Refusal("Service", "faq", R.ADMISSION_DENIED, "not on Sundays")],
    ),
    Scenario(
        "no quota for the Deployment",
        *(R.QUOTA_EXCEEDED, "Reconciling", "Deployment faq: exceeded quota"),
        refusals=[Refusal("Deployment", "faq", R.QUOTA_EXCEEDED, "exceeded quota")],
    ),
    Scenario(
        "a child is not valid",
        *(R.INVALID_SPEC, "Stalled", "Deployment faq: spec.template: Invalid"),
        refusals=[Refusal("Deployment", "faq", R.INVALID_SPEC, "spec.template: Invalid value")],
    ),
    Scenario(
        "a stranger has a child's name",
        *(R.NAME_CONFLICT, "Stalled", "Service faq: belongs to another"),
        live=WHOLE,
        refusals=[
            Refusal("Deployment", "faq", R.QUOTA_EXCEEDED, "exceeded quota"),
            Refusal("Service", "faq", R.NAME_CONFLICT, "belongs to another owner"),
        ],
    ),
    # Time is over.
    Scenario(
        "overdue, nobody knows why",
        *(R.ROLLOUT_DEADLINE_EXCEEDED, "Stalled", "timed out progressing"),
        *({}, overdue(NONE), [pod(phase="Pending")]),
    ),
    Scenario(
        "overdue, a volume or the network is missing",
        *(R.ROLLOUT_DEADLINE_EXCEEDED, "Stalled", "kubectl describe pod faq-1"),
        *({}, overdue(NONE), waits("ContainerCreating")),
    ),
    Scenario(
        "overdue for lack of GPUs",
        *(R.INSUFFICIENT_ACCELERATORS, "Stalled", "timed out progressing"),
        *(GPU, overdue(NONE), pending(FULL)),
    ),
    Scenario(
        "overdue for lack of an image",
        *(R.IMAGE_PULL_FAILED, "Stalled", "manifest unknown"),
        *({}, overdue(NONE), waits("ErrImagePull", "manifest unknown")),
    ),
    # Secrets.
    Scenario(
        "no keys",
        *(R.SECRET_NOT_FOUND, "Reconciling", "namespace ml: keys (auth.apiKeys)"),
        *(KEYS, NONE, waits("ContainerCreating")),
        missing=["keys"],
    ),
    Scenario(
        "still no keys",
        *(R.SECRET_NOT_FOUND, "Stalled", "keys (auth.apiKeys)"),
        *(KEYS, NONE, waits("ContainerCreating")),
        missing=["keys"],
        for_seconds=60,
    ),
    Scenario(
        "no keys for pods that are not wanted",
        *(R.SCALED_TO_ZERO, "Ready", "replicas is 0"),
        *({**KEYS, "replicas": 0}, deployment(desired=0)),
        missing=["keys"],
    ),
    Scenario(
        "no certificate",
        *(R.SECRET_NOT_FOUND, "Reconciling", "faq-tls (exposure.tls)"),
        *(TLS, WHOLE),
        children=routed(TLS),
        missing=["faq-tls"],
    ),
    Scenario(
        "neither keys nor certificate",
        *(R.SECRET_NOT_FOUND, "Reconciling", "keys (auth.apiKeys), faq-tls (exposure.tls)"),
        *({**KEYS, **TLS}, WHOLE),
        children=routed(TLS),
        missing=["faq-tls", "keys"],
    ),
    # The way from outside.
    Scenario("exposed", R.ALL_REPLICAS_READY, "Ready", "1 of 1", TLS, WHOLE, children=routed(TLS)),
    Scenario(
        "exposed by a Gateway",
        *(R.ALL_REPLICAS_READY, "Ready", "1 of 1"),
        *(GATEWAY, WHOLE),
        children=routed(GATEWAY),
    ),
    Scenario(
        "no ingress controller has looked",
        *(R.WAITING_FOR_ROUTE, "Reconciling", "address"),
        *(TLS, WHOLE),
        children=routed(TLS, published=False),
    ),
    Scenario(
        "no ingress controller has looked, and no class was named",
        *(R.WAITING_FOR_ROUTE, "Reconciling", "without a class: name one of `kubectl get ingres"),
        *(CLASSLESS, WHOLE),
        children=routed(CLASSLESS, published=False),
    ),
    Scenario(
        "no Gateway has looked",
        *(R.WAITING_FOR_ROUTE, "Reconciling", "Gateway ml/public"),
        *(GATEWAY, WHOLE),
        children=routed(GATEWAY, published=False),
    ),
    Scenario(
        "the certificate is not issued",
        *(R.WAITING_FOR_CERTIFICATE, "Reconciling", "Issuer ca"),
        *(ISSUED, WHOLE),
        children=routed(ISSUED),
    ),
    Scenario(
        "pods come before the route",
        *(R.MODEL_LOADING, "Reconciling", "loading"),
        *(TLS, NONE, [pod()]),
        children=routed(TLS, published=False),
    ),
    Scenario(
        "another service has the host",
        *(R.HOST_CONFLICT, "Stalled", "ml/older"),
        *(TLS, WHOLE),
        host_owner="ml/older",
    ),
    Scenario(
        "another service has the host, and the pods crash",
        *(R.HOST_CONFLICT, "Stalled", "pod faq-1: exit status 1: boom"),
        *(TLS, NONE, crashes(1, "boom")),
        host_owner="ml/older",
    ),
    Scenario(
        "no Gateway API",
        *(R.GATEWAY_API_NOT_INSTALLED, "Stalled", "not installed"),
        *(GATEWAY, WHOLE),
        absent=["HTTPRoute"],
    ),
    Scenario(
        "no cert-manager",
        *(R.CERT_MANAGER_NOT_INSTALLED, "Stalled", "not installed"),
        *(ISSUED, WHOLE),
        children=routed(ISSUED),
        absent=["Certificate"],
    ),
]
