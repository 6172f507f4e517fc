"""Watches files for being opened, by whatever process and through whatever mount."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

_IN_OPEN = 0x20
_EVENT = struct.Struct("iIII")


class Watch:
    """The files that were opened since the watch began."""

    def __init__(self, files: Iterable[Path]) -> None:
        library = ctypes.CDLL(None, use_errno=True)
        self._descriptor = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        self._files: dict[int, Path] = {}
        for file in files:
            number = library.inotify_add_watch(self._descriptor, os.fsencode(file), _IN_OPEN)
            if number < 0:
                raise OSError(ctypes.get_errno(), "inotify_add_watch", str(file))
            self._files[number] = file

    def close(self) -> list[str]:
        """End the watch; gives the names of the files."""
        opened: set[str] = set()
        try:
            while data := os.read(self._descriptor, 65536):
                start = 0
                while start < len(data):
                    number, _, _, length = _EVENT.unpack_from(data, start)
                    opened.add(self._files[number].name)
                    start += _EVENT.size + length
        except BlockingIOError:
            pass
        os.close(self._descriptor)
        return sorted(opened)
