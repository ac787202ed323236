"""Bugs of the work queue and of the election of a leader."""

from tests.faults.planted.bug import UNIT, Bug

_QUEUE = f"{UNIT}/controller/test_queue.py"
_WORKER = f"{UNIT}/controller/test_worker.py"
_LEASE = f"{UNIT}/kube/test_lease.py"
_CLIENT = f"{UNIT}/kube/test_client.py"

BUGS = (
    Bug(
        "what was added during a look is forgotten",
        "controller/queue.py",
        "        if due is not None:\n            self.add(key, due)\n",
        "",
        _QUEUE,
    ),
    Bug(
        "a later time replaces an earlier one",
        "controller/queue.py",
        "if key in times and times[key] <= due:",
        "if key in times and times[key] == due:",
        _QUEUE,
    ),
    Bug(
        "retries come at the same pace for ever",
        "controller/queue.py",
        "2.0 ** min(failures - 1, 32)",
        "1.0",
        _QUEUE,
    ),
    Bug(
        "a key is with two workers at a time",
        "controller/queue.py",
        "times = self._again if key in self._working else self._due",
        "times = self._due",
        _QUEUE,
    ),
    Bug(
        "a look that failed is not repeated",
        "controller/worker.py",
        '        delay = queue.retry(key)\n        logger.exception("a look failed"',
        '        delay = 0.0\n        logger.exception("a look failed"',
        _WORKER,
    ),
    Bug(
        "a leader that was paused still leads",
        "kube/lease.py",
        "return self._clock() < self._valid_until",
        'return self._valid_until > float("-inf")',
        _LEASE,
    ),
    Bug(
        "a candidate believes in the holder's clock",
        "kube/lease.py",
        "if _version(lease) != _version(self._lease):",
        "if self._lease is None:",
        _LEASE,
    ),
    Bug(
        "two leaders: the Lease is taken while its holder renews it",
        "kube/lease.py",
        "> duration",
        "> 0.0",
        _LEASE,
    ),
    Bug(
        "writes are sent without asking who leads",
        "kube/client.py",
        'if method != "GET" and not self._permit():',
        'if method == "POST" and not self._permit():',
        _CLIENT,
    ),
    Bug(
        "what may have been done is sent once more",
        "kube/client.py",
        "in_trouble = isinstance(error, ServerError) and resend",
        "in_trouble = isinstance(error, ServerError)",
        _CLIENT,
    ),
    Bug(
        "children are deleted in whatever version they are",
        "kube/client.py",
        '"preconditions": {"uid": uid, "resourceVersion": resource_version},',
        "",
        _CLIENT,
    ),
)
