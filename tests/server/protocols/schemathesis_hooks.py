"""Bodies that a schema cannot describe: images, as files and in base64."""

import base64
from typing import Final

import schemathesis
from hypothesis import strategies as st

from tests.server.pictures import plain

_COLOUR: Final = st.tuples(*[st.integers(0, 255)] * 3)
_SIZE: Final = st.tuples(*[st.integers(8, 64)] * 2)
_MEDIA_TYPES: Final = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}

for media_type, name in _MEDIA_TYPES.items():
    schemathesis.openapi.media_type(media_type, st.builds(plain, _COLOUR, _SIZE, st.just(name)))

_IMAGES: Final = st.builds(plain, _COLOUR, _SIZE, st.sampled_from(list(_MEDIA_TYPES.values())))
schemathesis.openapi.format(
    "image-base64", _IMAGES.map(lambda data: base64.b64encode(data).decode())
)
schemathesis.openapi.format("binary", _IMAGES)
