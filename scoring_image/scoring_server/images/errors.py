"""Why an image was not classified."""


class ImageRefused(Exception):
    """An image that cannot or must not be decoded.

    Attributes:
        code: a word for programs: unreadable_image, image_too_large, image_too_small.
        reason: a sentence for people, free of internals.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
