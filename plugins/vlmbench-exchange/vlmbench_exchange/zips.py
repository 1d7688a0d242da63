"""Zip archives of others: bounded, also against members that say less than they hold; Zstandard as well."""

import io
import struct
import zipfile
from pathlib import Path

from vlmbench_exchange.reading import LARGEST_FILE, read_bytes, refuse

ZSTANDARD = 93
"""Compression method of the zip format (APPNOTE 6.3.8, section 4.4.5)."""
LARGEST_MEMBER = 1 << 28
LARGEST_WHOLE = 1 << 32
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")


class Archive:
    """An archive in memory."""

    def __init__(self, file: Path) -> None:
        """Open it, and look at what its directory says.

        Raises:
            ExchangeError: When it is no archive, or would be too large unpacked.
        """
        self._file, self._content = file, read_bytes(file, LARGEST_FILE)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(self._content))
        except (zipfile.BadZipFile, ValueError, OSError) as error:
            raise refuse(file, f"this is not a zip archive ({error})") from error
        members = self._zip.infolist()
        self.members = {each.filename: each for each in members}
        if len(self.members) < len(members):
            raise refuse(file, "two of its members have the same name")
        largest = max((each.file_size for each in members), default=0)
        if largest > LARGEST_MEMBER or sum(each.file_size for each in members) > LARGEST_WHOLE:
            raise refuse(file, f"unpacked it would be too large (one member has {largest} bytes)")

    def read(self, name: str) -> bytes:
        """Unpack one member.

        Raises:
            ExchangeError: When there is none, or it is damaged or larger than its directory says.
        """
        member = self.members.get(name)
        if member is None:
            raise refuse(self._file, f"it has no member {name!r}")
        try:
            content = self._zstandard(member) if member.compress_type == ZSTANDARD else self._zip.read(member)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError) as error:
            raise refuse(self._file, f"member {name!r} cannot be unpacked ({error})") from error
        if len(content) != member.file_size:
            raise refuse(self._file, f"member {name!r} has {len(content)} bytes, not {member.file_size}")
        return content

    def _zstandard(self, member: zipfile.ZipInfo) -> bytes:
        import zstandard

        start = member.header_offset
        header = _LOCAL_HEADER.unpack_from(self._content.ljust(start + _LOCAL_HEADER.size, b"\0"), start)
        start += _LOCAL_HEADER.size + header[9] + header[10]
        packed = self._content[start : start + member.compress_size]
        try:
            with zstandard.ZstdDecompressor().stream_reader(packed) as stream:
                return stream.read(member.file_size + 1)
        except zstandard.ZstdError as error:
            raise ValueError(str(error)) from error
