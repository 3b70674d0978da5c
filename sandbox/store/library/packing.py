"""Bodies as they are kept: zstd with a dictionary trained on the library's own first resources.

Resources of one payer are alike, and each is too small to be compressed by itself: with a dictionary
they take a sixteenth. The dictionary is kept in the library. A body that gains nothing stays as it
is; the first byte tells, since no JSON text begins as a zstd frame does.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from zstandard import ZstdCompressionDict, ZstdCompressor, ZstdDecompressor, ZstdError, train_dictionary

DICTIONARY = 256 * 1024
"""Bytes of a dictionary."""

SAMPLE = 8_000_000
"""Bytes of resources that a dictionary is trained on. A library that is smaller is not compressed."""

LEVEL = 3

_FRAME = 0x28  # the first byte of a zstd frame: "("


class Packing:
    """How the bodies of one library are kept. Safe to share between threads; `pack` is for one."""

    def __init__(self, dictionary: bytes = b""):
        self.dictionary = dictionary
        shared = ZstdCompressionDict(dictionary) if dictionary else None
        self._packer = None
        if shared is not None:
            self._packer = ZstdCompressor(
                LEVEL, dict_data=shared, write_dict_id=False, write_checksum=False, write_content_size=True
            )
        self._known = shared
        self._mine = threading.local()

    def pack(self, body: bytes) -> bytes:
        if self._packer is None:
            return body
        packed = self._packer.compress(body)
        return packed if len(packed) < len(body) else body

    def unpack(self, kept: bytes) -> bytes:
        if kept[0] != _FRAME:
            return kept
        try:
            opener: ZstdDecompressor = self._mine.opener
        except AttributeError:  # a decompressor serves one thread at a time
            opener = self._mine.opener = ZstdDecompressor(dict_data=self._known)
        return opener.decompress(kept)


def trained(bodies: Sequence[bytes]) -> Packing:
    """A packing for bodies such as these; one that leaves them alone if they are too few."""
    if sum(map(len, bodies)) < SAMPLE:
        return Packing()
    try:
        # k and d are given, since to look for better ones takes ten times as long and finds 3 %
        return Packing(train_dictionary(DICTIONARY, list(bodies), k=1024, d=8).as_bytes())
    except ZstdError:  # nothing in them is alike
        return Packing()
