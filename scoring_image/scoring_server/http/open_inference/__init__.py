"""The Open Inference Protocol v2 over HTTP: a thin adapter to the same scorers.

https://github.com/kserve/open-inference-protocol, with Triton's extension for binary tensors, in
which its clients send bytes.
"""

from scoring_server.http.open_inference.infer import InferWire, is_infer_path
from scoring_server.http.open_inference.routes import register_open_inference_routes

__all__ = [
    "InferWire",
    "is_infer_path",
    "register_open_inference_routes",
]
