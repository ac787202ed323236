"""Where a request ends, in the bytes that have come so far."""

import re
from enum import Enum
from typing import Final

# Lines of a head together; the HTTP parser behind has finer limits.
MAX_HEAD_BYTES: Final = 64 * 1024
# A chunk's size in hexadecimal digits, and its extensions, which nobody uses.
_MAX_CHUNK_LINE_BYTES: Final = 1024
_MAX_TRAILER_BYTES: Final = 8 * 1024

_END: Final = b"\r\n\r\n"
_LENGTH_NAME: Final = re.compile(rb"\r\ncontent-length[ \t]*:")
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n")
_CODING_NAME: Final = re.compile(rb"\r\ntransfer-encoding[ \t]*:")
_CHUNK_SIZE: Final = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;.*)?", re.DOTALL)


class Progress(Enum):
    """How much of a request is there."""

    NOTHING = "not a byte"
    HEAD = "a part of the head"
    BODY = "the head and a part of the body"
    WHOLE = "all of it, or as much as it takes to refuse it"
    TOO_LONG = "a head without an end"


class Inbox:
    """The bytes of a connection that have not been answered yet.

    It only finds out where a request ends. What it cannot make sense of counts as whole: the HTTP
    parser refuses it, and the connection is closed.

    Args:
        max_body_bytes: of longer bodies no more is waited for than shows that they are longer.

    Attributes:
        head: of the present request in lower case, its end included; empty until it is there.
        noticed: whether the reader has taken notice of that head; the reader's.
    """

    def __init__(self, max_body_bytes: int) -> None:
        self._max_body_bytes = max_body_bytes
        self._data: bytes | bytearray = b""
        self._begin()

    def _begin(self) -> None:
        self.head = b""
        self.noticed = False
        self._searched = 0  # where to go on looking for the end of the head
        self._body_at = 0
        self._end: int | None = None  # of the request, once it is known
        self._chunk_at = -1  # where the next chunk begins; -1 where the body has none
        self._chunked_bytes = 0

    def __len__(self) -> int:
        return len(self._data)

    def feed(self, data: bytes) -> None:
        """Add what has come."""
        if not self._data:
            self._data = data
            return
        if not isinstance(self._data, bytearray):
            self._data = bytearray(self._data)
        self._data += data

    @property
    def is_post(self) -> bool:
        """Whether the present request, whose head is there, is a POST."""
        return self.head.startswith(b"post ")

    @property
    def missing_bytes(self) -> int:
        """How many bytes of the present request are still to come, as far as that is known."""
        return 0 if self._end is None else self._end - len(self._data)

    def look(self) -> Progress:
        """How much of the present request is there; to be asked again when more has come."""
        if not self.head:
            if not self._data:
                return Progress.NOTHING
            at = self._data.find(_END, self._searched)
            if at < 0 or at + len(_END) > MAX_HEAD_BYTES:
                self._searched = max(0, len(self._data) - 3)
                return Progress.HEAD if len(self._data) < MAX_HEAD_BYTES else Progress.TOO_LONG
            self._read_head(at + len(_END))
        if self._end is None:
            self._end = self._end_of_chunks()
        if self._end is None or len(self._data) < self._end:
            return Progress.BODY
        return Progress.WHOLE

    def give_up(self) -> None:
        """No more will come: what is there counts as whole."""
        self._end = len(self._data)

    def take(self) -> tuple[bytes, bytes | None]:
        """The present request, which is whole: its head, and its body where that is one piece.

        A request whose body is in chunks, or whose head makes no sense, is in the first part
        altogether; the second is None.
        """
        data, at = self._data, self._body_at
        end = len(data) if self._end is None else min(self._end, len(data))
        if self._chunk_at >= 0 or at > end:
            at, body = end, None
        else:
            body = bytes(memoryview(data)[at:end])  # a slice of a bytearray would be one more copy
        head = bytes(memoryview(data)[:at])
        self._data = data[end:]
        self._begin()
        return head, body

    def _read_head(self, end: int) -> None:
        self.head = head = bytes(self._data[:end]).lower()
        self._body_at = end
        if _CODING_NAME.search(head):
            self._chunk_at = end
            return
        named = len(_LENGTH_NAME.findall(head))
        if not named:
            self._end = end
            return
        lengths = _LENGTH.findall(head)
        if named > 1 or not lengths:
            self._chunk_at = end  # no sense in it: all to the parser
            self._end = len(self._data)
            return
        length = int(lengths[0])
        # Too long: the head alone is enough to be refused.
        self._end = end if length > self._max_body_bytes else end + length

    def _end_of_chunks(self) -> int | None:
        """None where it has not come yet."""
        data = self._data
        while True:
            at = self._chunk_at
            if at > len(data):
                arrived = self._chunked_bytes - (at - len(data))
                return len(data) if arrived > self._max_body_bytes else None
            line_end = data.find(b"\r\n", at)
            if line_end < 0:
                return len(data) if len(data) - at > _MAX_CHUNK_LINE_BYTES else None
            match = _CHUNK_SIZE.fullmatch(data, at, line_end)
            if match is None:
                return len(data)
            size = int(match[1], 16)
            if size == 0:
                return self._end_of_trailers(line_end)
            self._chunked_bytes += size + 2  # with the end of its line
            self._chunk_at = line_end + 2 + size + 2

    def _end_of_trailers(self, line_end: int) -> int | None:
        data = self._data
        end = data.find(_END, line_end)
        if end >= 0:
            return end + len(_END)
        return len(data) if len(data) - line_end > _MAX_TRAILER_BYTES else None
