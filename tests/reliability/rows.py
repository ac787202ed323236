"""The rows of docs/reliability.md: what each promises, and its bar."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Row:
    """A promise.

    Attributes:
        name: R for the operator, S for the scoring server, X for security, and a number.
        bar: what must hold, in words or as a limit.
    """

    name: str
    what: str
    bar: str


SECTIONS: Final[dict[str, tuple[Row, ...]]] = {
    "The operator": (
        Row(
            "R1",
            "Killed before and after every write of create, update and delete",
            "end state and counts of creates and deletes equal a run without faults, at all points",
        ),
        Row(
            "R2",
            "Random valid changes of the spec",
            "the state equals that of a fresh resource with the last spec, field ownership included",
        ),
        Row(
            "R3",
            "Good spec, bad spec, good spec",
            "the pods keep serving, the condition says why, and all is whole again",
        ),
        Row(
            "R4",
            "Every leaf of the spec",
            "changes the field of the child that it should; none is without effect",
        ),
        Row(
            "R5",
            "Stale views: old lists, held watches",
            "no delete, no scale-down, no template rolled back on a live resource; at least 20 points",
        ),
        Row("R6", "Each watch event dropped, delayed, doubled", "the same end state, for all"),
        Row(
            "R7",
            "Each call answered 403, 409, 429, 500, 503, 504, late, never, or its answer lost",
            "the same end state, for all",
        ),
        Row(
            "R8",
            "The resource edited during every call of a look",
            "the last generation is the one observed, for all",
        ),
        Row(
            "R9",
            "Each kind of child deleted, edited, without its owner or labels; operator up and down",
            "put right; seconds reported",
        ),
        Row("R10", "Writes in 60 s at rest and in a further look", "0 and 0"),
        Row("R11", "Calls for a create and for an update", "published"),
        Row("R12", "Dips of the replicas while autoscaling goes on, off, on at 5 replicas", "0"),
        Row(
            "R13",
            "API server away, etcd restarted, ERROR events, silent watches",
            "recovers by itself; never a process that is up and blind",
        ),
        Row("R14", "Namespace or resource deleted while no operator runs", "ends within 30 s"),
        Row(
            "R15",
            "The same name deleted and created again, 50 times, three propagation policies",
            "0 children of the wrong owner",
        ),
        Row(
            "R16",
            "A stranger's object with a child's name, even one that equals the child",
            "touched: 0",
        ),
        Row("R17", "Operator upgraded or restarted: pods restarted", "0"),
        Row(
            "R18",
            "Two operators at once; the leader killed",
            "0 conflicting writes; at most 20 s without a leader",
        ),
        Row("R19", "Planted bugs, at least 20, that these tests find", "all"),
    ),
    "The scoring server": (
        Row(
            "S1",
            "Requests lost in roll-outs, a drain, a scale-in and an operator's restart, under load",
            "0 of at least 20,000",
        ),
        Row("S2", "A worker killed under load", "only its own requests in flight; back within 5 s"),
        Row("S3", "SIGTERM with slow requests in flight", "0 lost; ends within the grace period"),
        Row(
            "S4",
            "Malformed requests: schema-driven, random, mutated images, known attacks on parsers",
            "all answered 4xx; no 5xx, no worker dies, memory flat",
        ),
        Row(
            "S5",
            "Five times the capacity offered",
            "only 200, or 429/503 with Retry-After; goodput at least 90 %; a refusal within 50 ms; accepted p99 bounded",
        ),
        Row(
            "S6",
            "200 slow connections: headers, body, reading",
            "good requests and probes unharmed",
        ),
        Row("S7", "Decompression, base64, JSON and archive bombs", "refused within 1 s and 64 MB"),
        Row(
            "S8",
            "Batched answers against unbatched ones; a bad item in a batch",
            "equal; harms no other",
        ),
        Row("S9", "30 minutes of mixed load: memory, descriptors, threads", "flat"),
    ),
    "Security": (
        Row(
            "X1",
            "Pods under Pod Security `restricted`; each required field removed",
            "admitted without a warning; refused",
        ),
        Row("X2", "RBAC used against RBAC granted; attempts to escalate", "equal; all refused"),
        Row(
            "X3",
            "kubeconform, kube-score, helm lint, checkov on all that chart and operator make",
            "0 findings, skips justified",
        ),
        Row(
            "X4",
            "Canary secrets in headers, query, body, resource, environment, exceptions, at debug level",
            "0 in logs, Events, status, metrics",
        ),
        Row(
            "X5",
            "API keys rotated under load",
            "no wrong 401; the old key refused within the announced time",
        ),
        Row(
            "X6",
            "Hostile model files: pickle, joblib, .pt, traversal, links, bombs, wrong hash",
            "refused; nothing executed",
        ),
        Row(
            "X7",
            "Model URLs into metadata services, loopback, other schemes, redirects there",
            "refused",
        ),
        Row("X8", "Request smuggling through the ingress", "no desync"),
    ),
}

NAMES: Final = frozenset(row.name for rows in SECTIONS.values() for row in rows)
