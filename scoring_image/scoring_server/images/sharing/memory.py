"""Memory that two processes share: slots for pictures in and logits out."""

import mmap
import os
import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

_HEADER_BYTES: Final = mmap.PAGESIZE
_BEAT: Final = struct.Struct("d")


class SharedSlots:
    """Slots of bytes and of logits in memory without a name.

    It needs no room in /dev/shm, which containers get 64 MB of, and goes with the last process that
    has it, however that ends. Only pages that were written take memory.

    Args:
        fd: of the memory; it belongs to this object from now on.
        slots: how many.
        slot_bytes: the most bytes that one holds.
        classes: how many logits one holds.
    """

    def __init__(self, fd: int, *, slots: int, slot_bytes: int, classes: int) -> None:
        self.fd = fd
        self.slots = slots
        self.slot_bytes = slot_bytes
        self._map = mmap.mmap(fd, _size(slots, slot_bytes, classes))
        memory = np.frombuffer(self._map, np.uint8)
        end = _HEADER_BYTES + slots * slot_bytes
        self._items = memory[_HEADER_BYTES:end].reshape(slots, slot_bytes)
        logits = memory[end : end + 4 * slots * classes].view(np.float32)
        self._logits: NDArray[np.float32] = logits.reshape(slots, classes)

    @classmethod
    def create(cls, *, slots: int, slot_bytes: int, classes: int) -> "SharedSlots":
        """New memory, to be handed to another process by its fd.

        Raises:
            OSError: there is none.
        """
        slot_bytes = -(-slot_bytes // 64) * 64
        fd = os.memfd_create("scoring-pictures", os.MFD_CLOEXEC)
        os.truncate(fd, _size(slots, slot_bytes, classes))
        return cls(fd, slots=slots, slot_bytes=slot_bytes, classes=classes)

    def item(self, slot: int, count: int) -> NDArray[np.uint8]:
        """The first `count` bytes of a slot: a view.

        Raises:
            IndexError: there is no such slot, or it does not hold so many.
        """
        if not 0 < count <= self.slot_bytes:
            raise IndexError(f"a slot does not hold {count} bytes")
        return self._items[slot, :count]

    def logits(self, slot: int) -> NDArray[np.float32]:
        """The logits of a slot: a view."""
        view: NDArray[np.float32] = self._logits[slot]
        return view

    @property
    def beat(self) -> float:
        """When the owner's threads last moved, on the clock of time.monotonic()."""
        beat: float = _BEAT.unpack_from(self._map)[0]
        return beat

    @beat.setter
    def beat(self, when: float) -> None:
        _BEAT.pack_into(self._map, 0, when)

    def close(self) -> None:
        """Let go of the fd; the memory goes with the last view of it."""
        os.close(self.fd)


def _size(slots: int, slot_bytes: int, classes: int) -> int:
    return _HEADER_BYTES + slots * (slot_bytes + 4 * classes)
