"""The checksum CRC-32C (Castagnoli), with which TensorFlow guards every array; many bytes at a time."""

from __future__ import annotations

import functools

import numpy as np

POLYNOMIAL = 0x82F63B78  # bits in reverse order
ALL_ONES = 0xFFFF_FFFF
MASK_DELTA = 0xA282EAD8
FEW = 2048  # bytes that are faster one by one
PIECE, LANE = 1 << 22, 512  # bytes at once, in lanes side by side
WORD = np.dtype("<u4")
BITS = np.arange(32, dtype=np.uint32)


@functools.cache
def byte_table() -> list[int]:
    """What each value of a byte makes of an empty register."""
    values: np.ndarray = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        values = (values >> 1) ^ np.where(values & 1, np.uint32(POLYNOMIAL), np.uint32(0))
    return [int(value) for value in values]


@functools.cache
def word_tables() -> tuple[np.ndarray, np.ndarray]:
    """What four zero bytes make of a register with these lower 16 bits, and with these upper ones."""
    halves = np.arange(1 << 16, dtype=np.uint32)
    return apply(zeros_operator(4), halves), apply(zeros_operator(4), halves << 16)


def apply(operator: np.ndarray, registers: np.ndarray) -> np.ndarray:
    """A linear operator, given as what it makes of each bit, applied to registers."""
    made = np.zeros_like(registers)
    for bit in range(32):
        made ^= operator[bit] * ((registers >> BITS[bit]) & np.uint32(1))
    return made


@functools.lru_cache(64)
def zeros_operator(count: int) -> np.ndarray:
    """What so many zero bytes make of each bit of a register."""
    if count <= 1:
        each = np.left_shift(np.uint32(1), BITS)
        return each if count == 0 else np.array(byte_table(), np.uint32)[each & 0xFF] ^ (each >> 8)
    half = zeros_operator(count // 2)
    whole = apply(half, half)
    return apply(zeros_operator(1), whole) if count % 2 else whole


def of_piece(piece: np.ndarray) -> np.ndarray:
    """The register after these bytes, from an empty one: in lanes side by side, which are then joined two by two."""
    count = 1 << (len(piece) // LANE).bit_length()
    length = -(-len(piece) // (count * WORD.itemsize)) * WORD.itemsize
    lanes = np.zeros(count * length, np.uint8)  # zeros before the first byte change nothing
    lanes[len(lanes) - len(piece) :] = piece
    registers = np.zeros(count, np.uint32)
    lower, upper = word_tables()
    for words in np.ascontiguousarray(lanes.view(WORD).reshape(count, -1).T):
        registers ^= words
        registers = lower[registers & 0xFFFF] ^ upper[registers >> 16]
    while len(registers) > 1:
        registers = apply(zeros_operator(length), registers[0::2]) ^ registers[1::2]
        length *= 2
    return registers


def crc32c(data: bytes | memoryview | np.ndarray, before: int = 0) -> int:
    """The checksum of the data; ``before`` is that of the data before it."""
    values = np.frombuffer(data, np.uint8)
    register = before ^ ALL_ONES
    if len(values) <= FEW:
        table = byte_table()
        for byte in values.tobytes():
            register = table[(register ^ byte) & 0xFF] ^ (register >> 8)
        return register ^ ALL_ONES
    for start in range(0, len(values), PIECE):
        piece = values[start : start + PIECE]
        register = int((apply(zeros_operator(len(piece)), np.array([register], np.uint32)) ^ of_piece(piece))[0])
    return register ^ ALL_ONES


def masked(checksum: int) -> int:
    """A checksum as it is stored: rotated, so that data that holds checksums can be checked as well."""
    return ((checksum >> 15 | checksum << 17) + MASK_DELTA) & ALL_ONES
