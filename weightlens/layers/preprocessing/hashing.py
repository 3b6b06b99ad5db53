"""The hash functions by which TensorFlow puts words into bins: FarmHash's fingerprint, SipHash, and their combination.

All arithmetic is that of unsigned 64-bit numbers. Sources: FarmHash (Pike 2014), SipHash-2-4 (Aumasson, Bernstein 2012).
"""

from __future__ import annotations

WORD = (1 << 64) - 1
K0, K1, K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
CROSS_KEY, CROSS_FACTOR = 0xDECAFCAFFE, 0xC6A4A7935BD1E995


def rotated(value: int, by: int) -> int:
    """The bits rotated to the right."""
    return ((value >> by) | (value << (64 - by))) & WORD


def mixed(value: int) -> int:
    """The upper bits folded into the lower ones."""
    return value ^ (value >> 47)


def word(text: bytes, at: int, size: int = 8) -> int:
    """Eight (or four) bytes as a number."""
    at = at if at >= 0 else len(text) + at
    return int.from_bytes(text[at : at + size], "little")


def joined(u: int, v: int, factor: int) -> int:
    """Two numbers hashed into one."""
    a = mixed(((u ^ v) * factor) & WORD)
    b = mixed(((v ^ a) * factor) & WORD)
    return (b * factor) & WORD


def fingerprint(text: bytes) -> int:
    """FarmHash's ``Fingerprint64``."""
    n = len(text)
    if n <= 16:
        return _up_to_16(text, n)
    if n <= 32:
        return joined(*_ends(text, n), K2 + n * 2 & WORD)
    return _up_to_64(text, n) if n <= 64 else _long(text, n)


def _up_to_16(text: bytes, n: int) -> int:
    factor = (K2 + n * 2) & WORD
    if n >= 8:
        a, b = (word(text, 0) + K2) & WORD, word(text, -8)
        return joined((rotated(b, 37) * factor + a) & WORD, ((rotated(a, 25) + b) * factor) & WORD, factor)
    if n >= 4:
        return joined((n + (word(text, 0, 4) << 3)) & WORD, word(text, -4, 4), factor)
    if n:
        y, z = text[0] + (text[n >> 1] << 8), n + (text[-1] << 2)
        return (mixed((y * K2 & WORD) ^ (z * K0 & WORD)) * K2) & WORD
    return K2


def _ends(text: bytes, n: int) -> tuple[int, int]:
    """What the first and last sixteen bytes make; more than 32 bytes weigh the first differently."""
    factor = (K2 + n * 2) & WORD
    a, b = word(text, 0) * (K1 if n <= 32 else K2) & WORD, word(text, 8)
    c, d = word(text, -8) * factor & WORD, word(text, -16) * K2 & WORD
    first = (rotated((a + b) & WORD, 43) + rotated(c, 30) + d) & WORD
    return first, (a + rotated((b + K2) & WORD, 18) + c) & WORD


def _up_to_64(text: bytes, n: int) -> int:
    factor = (K2 + n * 2) & WORD
    y, second = _ends(text, n)
    z, a = joined(y, second, factor), word(text, 0) * K2 & WORD
    e, f = word(text, 16) * factor & WORD, word(text, 24)
    g, h = (y + word(text, -32)) * factor & WORD, (z + word(text, -24)) * factor & WORD
    return joined((rotated((e + f) & WORD, 43) + rotated(g, 30) + h) & WORD, (e + rotated((f + a) & WORD, 18) + g) & WORD, factor)


def _weak(text: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    w, x, y, z = (word(text, at + i) for i in (0, 8, 16, 24))
    a = (a + w) & WORD
    b, c = rotated((b + a + z) & WORD, 21), a
    a = (a + x + y) & WORD
    return (a + z) & WORD, (b + rotated(a, 44) + c) & WORD


def _long(text: bytes, n: int) -> int:
    x, y = 81, (81 * K1 + 113) & WORD
    z = mixed((y * K2 + 113) & WORD) * K2 & WORD
    v, w = (0, 0), (0, 0)
    x = (x * K2 + word(text, 0)) & WORD
    rounds, rest = (n - 1) // 64, (n - 1) & 63
    for at in [64 * i for i in range(rounds)] + [n - 64]:
        last = at == n - 64
        factor = (K1 + ((z & 0xFF) << 1)) & WORD if last else K1
        if last:
            w = (w[0] + rest) & WORD, w[1]
            v = (v[0] + w[0]) & WORD, v[1]
            w = (w[0] + v[0]) & WORD, w[1]
        x = rotated((x + y + v[0] + word(text, at + 8)) & WORD, 37) * factor & WORD
        y = rotated((y + v[1] + word(text, at + 48)) & WORD, 42) * factor & WORD
        x ^= w[1] * (9 if last else 1) & WORD
        y = (y + v[0] * (9 if last else 1) + word(text, at + 40)) & WORD
        z = rotated((z + w[0]) & WORD, 33) * factor & WORD
        v = _weak(text, at, v[1] * factor & WORD, (x + w[0]) & WORD)
        w = _weak(text, at + 32, (z + w[1]) & WORD, (y + word(text, at + 16)) & WORD)
        z, x = x, z
    return joined((joined(v[0], w[0], factor) + mixed(y) * K0 + z) & WORD, (joined(v[1], w[1], factor) + x) & WORD, factor)


def siphash(text: bytes, key: tuple[int, int]) -> int:
    """SipHash-2-4 with a key of two numbers."""
    k0, k1 = (k & WORD for k in key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]
    padded = text + b"\0" * (7 - len(text) % 8) + bytes([len(text) & 0xFF])
    for at in range(0, len(padded), 8):
        m = word(padded, at)
        v[3] ^= m
        _rounds(v, 2)
        v[0] ^= m
    v[2] ^= 0xFF
    _rounds(v, 4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _rounds(v: list[int], count: int) -> None:
    for _ in range(count):
        v[0] = (v[0] + v[1]) & WORD
        v[1] = rotated(v[1], 51) ^ v[0]
        v[0] = rotated(v[0], 32)
        v[2] = (v[2] + v[3]) & WORD
        v[3] = rotated(v[3], 48) ^ v[2]
        v[0] = (v[0] + v[3]) & WORD
        v[3] = rotated(v[3], 43) ^ v[0]
        v[2] = (v[2] + v[1]) & WORD
        v[1] = rotated(v[1], 47) ^ v[2]
        v[2] = rotated(v[2], 32)


def crossed(values: list[int]) -> int:
    """Several fingerprints (or whole numbers) hashed into one, as ``tf.sparse.cross_hashed`` does."""
    result = CROSS_KEY
    for value in values:
        result ^= CROSS_FACTOR
        result ^= mixed((value & WORD) * CROSS_FACTOR & WORD) * CROSS_FACTOR & WORD
        result = result * CROSS_FACTOR & WORD
        result = mixed(mixed(result) * CROSS_FACTOR & WORD)
    return result
