"""What the app needs to know of its configuration."""

from dataclasses import dataclass


@dataclass(frozen=True)
class HttpSettings:
    """Limits of one process.

    Attributes:
        max_body_bytes: larger bodies are refused with 413, announced or chunked.
        request_timeout_seconds: a request that is not answered by then is refused with 503.
        concurrent_scores: how many /score requests one process works on; fewer than its threads, so
            that refusals and probes always find one.
        workers, threads: shown by /version.
        path_prefix: every route answers below this path too, e.g. /faq; empty: only without.
        page: whether there is a page for people at /ui.
    """

    max_body_bytes: int
    request_timeout_seconds: float
    concurrent_scores: int
    workers: int
    threads: int
    path_prefix: str = ""
    page: bool = True
