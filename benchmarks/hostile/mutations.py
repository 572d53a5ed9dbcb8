"""Damage of every kind to the bytes of a real file, by a seeded generator."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Final

_VALUE: Final = re.compile(
    rb'(?<=[:=\[,])\s*("(?:\\.|[^"\\\n]){0,400}"|-?\d+(?:\.\d+)?|true|false|null)'
)
_NAME: Final = re.compile(rb'"[A-Za-z_]{1,40}"\s*:')
_TIMES: Final = (
    b"0001-01-01T00:00:00+14:00",
    b"9999-12-31T23:59:00-14:00",
    b"2026-02-30T00:00:00Z",
    b"2026-01-01T00:00:00",
)
_VALUES: Final = (
    *(b"null", b"true", b"[]", b"{}", b'""', b'"x"', b"[[]]", b'{"a": 1}', b"0", b"-1", b"1.5"),
    *(b"1e999", b"-1e999", b"NaN", b"Infinity", b"inf", b"nan", b"1e308", b"9223372036854775808"),
    *(b"9" * 30, b"9" * 5000, b"-0", b"2147483648", b"0x10"),
    *(rb'"\ud83d"', rb'"\udc80x"', rb'"\u0000"', b'"\x00"', b'"\xed\xa0\xbd"', b'"\xff\xfe"'),
    *(rb'"a\u202eb"', b'"../../etc"', b'"' + b"x" * 5000 + b'"'),
    *(b'"%s"' % time for time in _TIMES),
)
_LINES: Final = (b"", b"null", b"[]", b"{}", b"{", b"\x00", b"\xff", b",,,", b'"', b"[run]")

Mutation = Callable[[random.Random, bytes], bytes]


def mutate(rng: random.Random, content: bytes) -> bytes:
    """Return a content damaged in one to three ways."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        content = rng.choice(MUTATIONS)(rng, content)
    return content


def flip_bytes(rng: random.Random, content: bytes) -> bytes:
    """Return a content with a few bytes replaced."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 3, 20)) if changed else 0):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def truncate(rng: random.Random, content: bytes) -> bytes:
    """Return the beginning of a content, or its end."""
    cut = rng.randrange(len(content) + 1)
    return content[:cut] if rng.random() < 0.7 else content[cut:]


def replace_value(rng: random.Random, content: bytes) -> bytes:
    """Return a content with one value replaced by a hostile one."""
    return _replace(rng, content, _VALUE, b" " + rng.choice(_VALUES))


def nest(rng: random.Random, content: bytes) -> bytes:
    """Return a content with one value replaced by one that nests deeply."""
    depth = rng.choice((70, 200, 900, 3_000, 100_000))
    opening, closing = rng.choice(((b"[", b"]"), (b'{"a":', b"}")))
    inner = opening * depth + b"1" + closing * rng.choice((depth, depth, 0))
    return _replace(rng, content, _VALUE, b" " + inner)


def rename(rng: random.Random, content: bytes) -> bytes:
    """Return a content with one name of a field changed."""
    name = rng.choice((b'"surprise":', rb'"\ud83d":', b'"":', b'"__class__":', b'"item_id":'))
    return _replace(rng, content, _NAME, name)


def repeat(rng: random.Random, content: bytes) -> bytes:
    """Return a content with a part given twice: a key, a line or any other."""
    fields = list(re.finditer(_NAME.pattern + rb"\s*[^,{}\[\]]{1,80},", content))
    if fields and rng.random() < 0.5:
        field = rng.choice(fields)
        return content[: field.start()] + field.group() + content[field.start() :]
    start = rng.randrange(len(content) + 1)
    end = min(len(content), start + rng.choice((10, 200, 5_000)))
    return content[:end] + content[start:end] + content[end:]


def enlarge(rng: random.Random, content: bytes) -> bytes:
    """Return a content with a text of up to two megabytes in the place of a value."""
    size = rng.choice((10_000, 200_000, 2_000_000))
    return _replace(
        rng, content, _VALUE, b' "' + rng.choice((b"a", b"a ", b"\xc3\xa9")) * size + b'"'
    )


def encode_otherwise(rng: random.Random, content: bytes) -> bytes:
    """Return a content in another encoding, or with a byte order mark."""
    text = content.decode("utf-8", "replace")
    return rng.choice(
        (
            b"\xef\xbb\xbf" + content,
            b"\xef\xbb\xbf\xef\xbb\xbf" + content,
            text.encode("utf-16"),
            text.encode("utf-32"),
            text.encode("cp1252", "replace"),
            text.replace("a", "\u00e9").encode("latin-1", "replace"),
            content.replace(b"\n", b"\r\n"),
            content.replace(b"\n", b"\r"),
        )
    )


def insert_bytes(rng: random.Random, content: bytes) -> bytes:
    """Return a content with hostile bytes or a line between two others."""
    place = rng.randrange(len(content) + 1)
    if rng.random() < 0.5:
        place = content.rfind(b"\n", 0, place) + 1
        return content[:place] + rng.choice(_LINES) + b"\n" + content[place:]
    return (
        content[:place] + rng.choice((b"\x00", b"\xff", b'"', b"\n", b"\\", b",")) + content[place:]
    )


def swap_lines(rng: random.Random, content: bytes) -> bytes:
    """Return a content with its lines in another order, or some of them left out."""
    lines = content.split(b"\n")
    return b"\n".join(rng.sample(lines, rng.randint(1, len(lines))))


def blank(rng: random.Random, content: bytes) -> bytes:
    """Return nothing, or next to nothing."""
    del content
    return rng.choice((b"", b" ", b"\n\n", b"\x00" * 100, b"\xef\xbb\xbf", b"null", b"[]", b"{}"))


MUTATIONS: Final[tuple[Mutation, ...]] = (
    *(flip_bytes, truncate, nest, rename, repeat, encode_otherwise, insert_bytes, swap_lines),
    *(replace_value,) * 5,
    *(blank, enlarge),
)


def _replace(
    rng: random.Random, content: bytes, pattern: re.Pattern[bytes], replacement: bytes
) -> bytes:
    places = list(pattern.finditer(content))
    if not places:
        return content + replacement
    place = rng.choice(places)
    return content[: place.start()] + replacement + content[place.end() :]
