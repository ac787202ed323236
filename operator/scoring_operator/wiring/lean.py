"""kopf without the generated Kubernetes client.

kopf imports that client wherever it is installed, only to know its classes when it sees them.
Nothing here has any to show, and the import costs half a second and 12 MB at rest.
"""

import sys

_CLIENT = "kubernetes"
_loaded = sys.modules.get(_CLIENT)
sys.modules[_CLIENT] = None  # type: ignore[assignment]  # the documented way to make an import fail
try:
    import kopf as kopf
finally:
    if _loaded is None:
        del sys.modules[_CLIENT]
    else:
        sys.modules[_CLIENT] = _loaded
