"""How the scoring server works, what it refuses and who may call it: spec.server, requestLimits,
auth, monitoring.
"""

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from scoring_operator.api.base import Model, Rule
from scoring_operator.api.quantities import ByteSize
from scoring_operator.api.types import ObjectName


def _schema(minimum: int, maximum: int) -> WithJsonSchema:
    return WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "maxLength": 4,
            "x-kubernetes-validations": [
                {
                    "rule": "type(self) == string ? self == 'auto'"
                    f" : self >= {minimum} && self <= {maximum}",
                    "message": f"must be auto or a number from {minimum} to {maximum}",
                }
            ],
        }
    )


Auto = Literal["auto"]
Workers = Annotated[Auto | Annotated[int, Field(ge=1, le=64)], _schema(1, 64)]
Threads = Annotated[Auto | Annotated[int, Field(ge=1, le=512)], _schema(1, 512)]
BatchSize = Annotated[Auto | Annotated[int, Field(ge=1, le=1024)], _schema(1, 1024)]
BatchDelay = Annotated[Auto | Annotated[int, Field(ge=0, le=1000)], _schema(0, 1000)]
Concurrency = Annotated[Auto | Annotated[int, Field(ge=1, le=10000)], _schema(1, 10000)]


class ServerSettings(Model):
    """Sizes of the scoring server, where auto follows the CPUs, the model and the hardware, and
    its page.
    """

    rules = (
        Rule(
            "!has(self.torchCompileClaimName) || self.torchCompile == 'Enabled'",
            "torchCompileClaimName is of no use unless torchCompile is Enabled",
            lambda server: (
                server.torch_compile_claim_name is None or server.torch_compile == "Enabled"
            ),
        ),
    )

    workers: Workers = "auto"
    """Server processes per pod."""
    threads: Threads = "auto"
    """Request threads per process."""
    max_batch_size: BatchSize = "auto"
    """Most images that are computed at once."""
    max_batch_delay_milliseconds: BatchDelay = "auto"
    """How long a batch of images waits for more; auto does not wait."""
    torch_compile: Literal["Enabled", "Disabled"] = "Disabled"
    """Whether a GPU's model is compiled with torch.compile, in the background while it serves."""
    torch_compile_claim_name: ObjectName | None = None
    """PersistentVolumeClaim in the same namespace that keeps what was compiled; several pods need
    one of access mode ReadWriteMany. Unset: every pod compiles for itself.
    """
    page: Literal["Enabled", "Disabled"] = "Enabled"
    """Whether the pods serve a page at /ui, where people try the model in a browser."""


class RequestLimits(Model):
    """What one request may cost."""

    max_body_size: ByteSize = "10Mi"
    """Largest body, from 1Ki to 1Gi; a larger one is refused with 413."""
    timeout_seconds: int = Field(default=30, ge=1, le=3600)
    """Seconds that a request may take; then it is refused with 503 or 504."""
    max_concurrency: Concurrency = "auto"
    """Most requests that a pod works on at a time; more are refused with 503 and Retry-After."""


class ApiKeys(Model):
    """Keys that callers must send, as X-API-Key or as Authorization: Bearer."""

    secret_name: ObjectName
    """Secret in the same namespace: each of its keys names an API key, the value, of 16 to 4096
    characters, is the API key. Changes take effect within about a minute, without a restart.
    """


class Auth(Model):
    """Who may call the service."""

    api_keys: ApiKeys
    """Keys that callers must send."""


class Monitoring(Model):
    """Metrics and logs."""

    pod_monitor: Literal["Auto", "Disabled"] = "Auto"
    """Auto: a PodMonitor where the cluster has prometheus-operator."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe level that the pods log."""
