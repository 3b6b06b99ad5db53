"""HDF5 datasets stored in chunks, compressed or not: refused if the chunks cost far more than they hold."""

from __future__ import annotations

import math
import zlib
from typing import Any

from h5py import h5d, h5z

from weightlens import limits
from weightlens.errors import UnreadableModel

LZF = 32000
BOUNDED = {h5z.FILTER_SHUFFLE, h5z.FILTER_FLETCHER32, h5z.FILTER_DEFLATE, LZF}  # their unpacked size is bounded by the packed size
SQUEEZING = {h5z.FILTER_DEFLATE, LZF}
SHORTEST = 5  # bytes of a compressed chunk
DEFLATE_RATIO = 1032  # the largest ratio of unpacked to packed bytes


def check_chunks(dataset: h5d.DatasetID, label: str, size: int) -> None:
    """Refuse too many chunks, chunks much larger than the array, filters without bounds, and chunks that unpack to more than their size."""
    layout = dataset.get_create_plist()
    if layout.get_layout() != h5d.CHUNKED:
        return
    chunk, shape = layout.get_chunk(), dataset.shape or ()
    declared, one = (math.prod(extent) * dataset.dtype.itemsize for extent in (shape, chunk))
    if one > limits.SMALL and one > 8 * declared:
        raise UnreadableModel(f"{label} has {declared:,} bytes and unpacks {one:,} to read them")
    number = math.prod(-(-n // c) for n, c in zip(shape, chunk, strict=True))
    if number > limits.CHUNKS + size // 8:
        raise UnreadableModel(f"{label} is stored in {number:,} chunks, more than Keras writes")
    filters = [layout.get_filter(i)[0] for i in range(layout.get_nfilters())]
    if not set(filters) <= BOUNDED or filters.count(h5z.FILTER_DEFLATE) > 1 or filters.count(LZF) > 1:
        raise UnreadableModel(f"{label} is compressed with unsupported HDF5 filters ({filters})")
    for stored in stored_chunks(dataset):
        if any(start >= extent or start % step for start, extent, step in zip(stored.chunk_offset, shape, chunk, strict=True)):
            raise UnreadableModel(f"{label} has a chunk outside its shape")
        squeezed = any(kind in SQUEEZING and not stored.filter_mask >> place & 1 for place, kind in enumerate(filters))
        if stored.size < (SHORTEST if squeezed else one):
            raise UnreadableModel(f"{label} has a chunk that is too short")
        if h5z.FILTER_DEFLATE in filters and stored.size * DEFLATE_RATIO > limits.SMALL:
            check_unpacked_size(dataset.read_direct_chunk(stored.chunk_offset)[1], one, label)


def stored_chunks(dataset: h5d.DatasetID) -> list[Any]:
    """The address and the size of each stored chunk."""
    if not hasattr(dataset, "chunk_iter"):  # HDF5 before 1.12.3
        return [dataset.get_chunk_info(number) for number in range(dataset.get_num_chunks())]
    chunks: list[Any] = []
    dataset.chunk_iter(chunks.append)
    return chunks


def check_unpacked_size(data: bytes, most: int, label: str) -> None:
    """Refuse a chunk that unpacks to more than its size; other damage is reported when the chunk is read."""
    packer = zlib.decompressobj()
    try:
        unpacked = len(packer.decompress(data, most + 5))  # a checksum may stand behind the numbers
    except zlib.error:
        return
    if unpacked > most + 4 or packer.unconsumed_tail:
        raise UnreadableModel(f"{label} has a chunk of {most:,} bytes that unpacks to more")
