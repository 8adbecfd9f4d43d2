"""Reads a QR code out of a picture of the screen: one that is straight and unharmed.

Nothing is corrected. Instead the code is drawn anew from what was read, and must come out the same, its error
correction too; so what passes here is a code that every reader reads (ISO/IEC 18004).
"""

from __future__ import annotations

import io
from itertools import chain, groupby
from typing import TYPE_CHECKING, Final, TypeAlias

import qrcode
from PIL import Image
from qrcode import base, util

if TYPE_CHECKING:
    from collections.abc import Iterator

Matrix: TypeAlias = list[list[bool]]

DARK_BELOW: Final = 128
FINDER: Final = 7  # modules of the squares in the corners
QUIET_ZONE: Final = 4
FORMAT_MASK: Final = 0x5412
ALPHANUMERIC: Final = 2
DIGITS: Final = util.ALPHA_NUM.decode()


def read_code(picture: bytes) -> str:
    """The text of the one alphanumeric code in a PNG."""
    matrix = find_modules(picture)
    code = _Code(matrix)
    text = code.text()
    drawn = qrcode.QRCode(version=code.version, error_correction=code.level, border=0, mask_pattern=code.mask)
    drawn.add_data(util.QRData(text, mode=ALPHANUMERIC), optimize=0)
    drawn.make(fit=False)
    assert [[bool(dark) for dark in row] for row in drawn.get_matrix()] == matrix, "the code is damaged"
    return text


def find_modules(picture: bytes) -> Matrix:
    """The modules by their middles; the picture shows the code on light ground with its quiet zone."""
    grey = Image.open(io.BytesIO(picture)).convert("L")
    dark = grey.point(lambda level: 255 if level < DARK_BELOW else 0)
    box = dark.getbbox()
    assert box is not None, "there is no code in the picture"
    left, top, right, bottom = box
    edge = [bool(dark.getpixel((x, top))) for x in range(left, right)]
    module = len(list(next(groupby(edge))[1])) / FINDER
    count = round((right - left) / module)
    assert count % 4 == 1, f"{count} modules are no QR code"
    width, height = (right - left) / count, (bottom - top) / count
    margin = min(left, top, grey.width - right, grey.height - bottom)
    assert margin > (QUIET_ZONE - 0.5) * width, "too little quiet zone"
    columns = [int(left + (x + 0.5) * width) for x in range(count)]
    rows = [int(top + (y + 0.5) * height) for y in range(count)]
    return [[bool(dark.getpixel((x, y))) for x in columns] for y in rows]


class _Code:
    def __init__(self, matrix: Matrix) -> None:
        self.matrix = matrix
        self.size = len(matrix)
        self.version = (self.size - 17) // 4
        row = [(8, column) for column in (0, 1, 2, 3, 4, 5, 7, 8)]
        column = [(line, 8) for line in (7, 5, 4, 3, 2, 1, 0)]
        said = _number(matrix[y][x] for y, x in row + column) ^ FORMAT_MASK
        self.level, self.mask = said >> 13, said >> 10 & 7

    def text(self) -> str:
        """The first segment, which must be alphanumeric."""
        bits = [bool(byte >> place & 1) for byte in self._data() for place in range(7, -1, -1)]
        length_bits = util.length_in_bits(ALPHANUMERIC, self.version)
        assert _number(bits[:4]) == ALPHANUMERIC
        length = _number(bits[4 : 4 + length_bits])
        at, text = 4 + length_bits, ""
        while len(text) < length:
            pair = len(text) + 1 < length
            number = _number(bits[at : at + (11 if pair else 6)])
            text += DIGITS[number // 45] + DIGITS[number % 45] if pair else DIGITS[number]
            at += 11 if pair else 6
        return text

    def _data(self) -> list[int]:
        """The data bytes in their order, without those for correction."""
        bits = list(self._masked_bits())
        codewords = [_number(bits[at : at + 8]) for at in range(0, len(bits) - 7, 8)]
        lengths = [block.data_count for block in base.rs_blocks(self.version, self.level)]
        blocks: list[list[int]] = [[] for _ in lengths]
        taken = iter(codewords)
        for place in range(max(lengths)):
            for block, length in zip(blocks, lengths, strict=True):
                if place < length:
                    block.append(next(taken))
        return list(chain.from_iterable(blocks))

    def _masked_bits(self) -> Iterator[bool]:
        """Up and down in columns two modules wide, from the right; column 6 belongs to the timing pattern."""
        inverted = util.mask_func(self.mask)
        upwards = True
        for right in chain(range(self.size - 1, 6, -2), range(5, 0, -2)):
            for y in range(self.size - 1, -1, -1) if upwards else range(self.size):
                for x in (right, right - 1):
                    if not self._is_pattern(y, x):
                        yield self.matrix[y][x] != inverted(y, x)
            upwards = not upwards

    def _is_pattern(self, y: int, x: int) -> bool:
        far = self.size - 8
        finder = (y <= 8 and (x <= 8 or x >= far)) or (y >= far and x <= 8)
        timing = 6 in {y, x}
        version = self.version >= 7 and ((y < 6 and far - 3 <= x < far) or (x < 6 and far - 3 <= y < far))
        places = util.pattern_position(self.version)
        corners = {(6, 6), (6, self.size - 7), (self.size - 7, 6)}
        aligned = any(
            abs(y - centre_y) <= 2 and abs(x - centre_x) <= 2
            for centre_y in places
            for centre_x in places
            if (centre_y, centre_x) not in corners
        )
        return finder or timing or version or aligned


def _number(bits: Iterator[bool] | list[bool]) -> int:
    number = 0
    for bit in bits:
        number = number << 1 | bit
    return number
