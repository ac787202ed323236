"""What a JPEG file tells about itself before it is decoded."""

import re
from typing import Final

_START_OF_SCAN: Final = 0xDA
_END_OF_IMAGE: Final = 0xD9
# Within a scan 0xFF is followed by 0x00 (a byte of data), 0xD0…D7 (a restart) or 0xFF (filling);
# anything else is the next marker (ITU-T T.81, B.1.1).
_NEXT_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def count_scans(data: bytes) -> int:
    """How many scans the first picture of a JPEG file has; what is broken ends the count.

    A progressive picture may be sent in any number of scans, a few bytes each, and each costs a
    pass over the whole picture: a small file can keep a decoder busy for minutes.
    """
    scans = 0
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == _END_OF_IMAGE:
            break
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if marker != _START_OF_SCAN:
            continue
        scans += 1
        following = _NEXT_MARKER.search(data, position)
        if following is None:
            break
        position = following.start()
    return scans
