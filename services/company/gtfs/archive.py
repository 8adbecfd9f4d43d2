"""A feed's zip, opened within bounds: nothing is written to disk or unpacked that was not measured.

Folders in names are ignored, and files that we do not read are never opened.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from io import BytesIO, TextIOWrapper
from typing import TYPE_CHECKING

from services.company.gtfs.problems import FeedError

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import IO

MOST_MEMBERS = 1000
LARGEST_MEMBER = 384 * 1024 * 1024
LARGEST_TOTAL = 512 * 1024 * 1024
STEEPEST_RATIO = 200
"""How many bytes one may become; a feed of millions of stop times stays below 50."""
RATIO_FROM = 1024 * 1024

DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
    NotImplementedError,
)
"""What reading a damaged zip raises: numbers in it lead anywhere."""

_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_CHUNK = 1024 * 1024


class Archive:
    """The files of a feed by name."""

    def __init__(self, data: bytes, wanted: Collection[str]) -> None:
        """Raises FeedError if the zip is none, or one of the wanted files is out of bounds."""
        try:
            self._zip = zipfile.ZipFile(BytesIO(data))
            members = self._zip.infolist()
        except DAMAGED as error:
            raise _refused("feed.zip", f"This is no zip file: {error}.") from None
        if len(members) > MOST_MEMBERS:
            raise _refused("feed.zip", f"The zip has {len(members)} files; at most {MOST_MEMBERS} are read.")
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in members:
            name = member.filename.replace("\\", "/").rpartition("/")[2].lower()
            if name in wanted:
                self._take(name, member)
        if sum(member.compress_size for member in self._members.values()) > len(data):
            raise _refused("feed.zip", "The zip's files overlap each other.")
        if sum(member.file_size for member in self._members.values()) > LARGEST_TOTAL:
            raise _refused("feed.zip", f"Unpacked it is larger than {LARGEST_TOTAL // 2**20} MiB.")

    def _take(self, name: str, member: zipfile.ZipInfo) -> None:
        if "__macosx" in member.filename.lower():
            return
        if name in self._members:
            raise _refused(name, "The zip holds this file twice.")
        if member.flag_bits & 0x1:
            raise _refused(name, "The file is encrypted.")
        if member.compress_type not in _METHODS:
            raise _refused(name, "The file is packed in a way that is not supported; deflate is.")
        if member.file_size > LARGEST_MEMBER:
            raise _refused(name, f"Unpacked it is larger than {LARGEST_MEMBER // 2**20} MiB.")
        if member.file_size > RATIO_FROM and member.file_size > member.compress_size * STEEPEST_RATIO:
            raise _refused(name, f"It would unpack to more than {STEEPEST_RATIO} times its size.")
        self._members[name] = member

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def open(self, name: str) -> IO[bytes]:
        """The file's bytes, as a stream that never yields more than was declared."""
        return self._zip.open(self._members[name])

    def open_text(self, name: str) -> TextIOWrapper:
        """The file as UTF-8, with or without a byte order mark."""
        return TextIOWrapper(self.open(name), "utf-8-sig", newline="")

    def count_lines(self, name: str) -> int:
        """How many lines the file has, more or less; raises FeedError if it cannot be unpacked."""
        lines = 1
        try:
            with self.open(name) as stream:
                while chunk := stream.read(_CHUNK):
                    lines += chunk.count(b"\n")
        except DAMAGED as error:
            raise _refused(name, f"The file cannot be unpacked: {error}.") from None
        return lines

    def first_line_not_utf8(self, name: str) -> int:
        """The number of the first line that is not UTF-8."""
        number = 0
        with self.open(name) as stream:
            for number, line in enumerate(stream, start=1):
                try:
                    line.decode()
                except UnicodeDecodeError:
                    return number
        return number


def _refused(file: str, message: str) -> FeedError:
    return FeedError({f"{file}:0:": [message]})
