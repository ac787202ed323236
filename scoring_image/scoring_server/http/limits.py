"""What one request may hold."""

from typing import Final

MAX_IMAGES: Final = 32
MAX_NAME_CHARACTERS: Final = 256
