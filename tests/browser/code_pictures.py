"""QR codes as a camera sees them: turned, tilted, badly lit, blurred, noisy, cracked.

Drawn by the library that makes the tickets' codes, which is none of the reader's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

import qrcode
from PIL import Image, ImageChops, ImageDraw, ImageFilter
from qrcode import base, util
from qrcode.constants import ERROR_CORRECT_H, ERROR_CORRECT_L, ERROR_CORRECT_M, ERROR_CORRECT_Q

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

Matrix: TypeAlias = list[list[bool]]
Point: TypeAlias = tuple[float, float]

FRAME: Final = (640, 480)
QUIET_ZONE: Final = 4
LEVELS: Final = {"L": ERROR_CORRECT_L, "M": ERROR_CORRECT_M, "Q": ERROR_CORRECT_Q, "H": ERROR_CORRECT_H}
NUMERIC, ALPHANUMERIC, BYTES = 1, 2, 4
DIGITS: Final = util.ALPHA_NUM.decode()
VERSIONS: Final = range(1, 11)

# What the smallest codes keep back so as not to correct into something else (ISO/IEC 18004, table 9).
KEPT_BACK: Final = {(1, "L"): 3, (1, "M"): 2, (1, "Q"): 1, (1, "H"): 1, (2, "L"): 2, (3, "L"): 1}


@dataclass(frozen=True, slots=True)
class Code:
    version: int
    level: str
    text: str
    mode: int
    mask: int

    @classmethod
    def like(cls, dice: Random, version: int, level: str, mode: int, mask: int | None = None) -> Code:
        """A code of random characters that is as full as can be."""
        data_bits = 8 * sum(block.data_count for block in base.rs_blocks(version, LEVELS[level]))
        room = data_bits - 4 - util.length_in_bits(mode, version)
        length = {NUMERIC: room // 10 * 3, ALPHANUMERIC: room // 11 * 2, BYTES: room // 8}[mode]
        alphabet = {NUMERIC: DIGITS[:10], ALPHANUMERIC: DIGITS, BYTES: "".join(map(chr, range(33, 127)))}[
            mode
        ]
        text = "".join(dice.choices(alphabet, k=length))
        return cls(version, level, text, mode, dice.randrange(8) if mask is None else mask)

    @classmethod
    def of_ticket(cls, dice: Random) -> Code:
        """As many characters as a ticket's, which are the most of a version 6-M."""
        text = "".join(dice.choices(DIGITS, k=150))
        return cls(6, "M", text, ALPHANUMERIC, dice.randrange(8))

    def draw(self, codewords: Sequence[int] | None = None) -> Matrix:
        """The modules with their quiet zone; of other codewords if those are given."""
        drawing = qrcode.QRCode(self.version, LEVELS[self.level], border=QUIET_ZONE, mask_pattern=self.mask)
        if codewords is None:
            drawing.add_data(util.QRData(self.text.encode(), mode=self.mode), optimize=0)
        else:
            drawing.data_cache = list(codewords)
        drawing.makeImpl(False, self.mask)
        return [[bool(dark) for dark in row] for row in drawing.get_matrix()]

    def damaged(self, dice: Random, more: int = 0) -> Matrix:
        """As many wrong codewords in each block as the level corrects, and in one of them `more`."""
        codewords = util.create_data(
            self.version, LEVELS[self.level], [util.QRData(self.text.encode(), mode=self.mode)]
        )
        spared = dice.randrange(len(blocks := places_of_blocks(self.version, self.level)))
        for at, places in enumerate(blocks):
            wrong = corrects(self.version, self.level) + (more if at == spared else 0)
            for place in dice.sample(places, wrong):
                codewords[place] ^= dice.randrange(1, 256)
        return self.draw(codewords)


def corrects(version: int, level: str) -> int:
    """How many wrong codewords a block of this version and level may have."""
    block = base.rs_blocks(version, LEVELS[level])[0]
    return (block.total_count - block.data_count - KEPT_BACK.get((version, level), 0)) // 2


def places_of_blocks(version: int, level: str) -> list[list[int]]:
    """Where each block's codewords are in the order in which they are drawn."""
    blocks = base.rs_blocks(version, LEVELS[level])
    places: list[list[int]] = [[] for _ in blocks]
    at = 0
    for of_data in (True, False):
        sizes = [each.data_count if of_data else each.total_count - each.data_count for each in blocks]
        for turn in range(max(sizes)):
            for block, size in zip(places, sizes, strict=True):
                if turn < size:
                    block.append(at)
                    at += 1
    return places


@dataclass(frozen=True, slots=True)
class Scene:
    """How a code is held before the camera; lengths are pixels of a frame of 640 by 480."""

    module: float = 5.0
    turned: bool = True
    tilt: float = 0.0  # how far each corner may be off, as a part of half the code's side
    dark: int = 30
    light: int = 220
    uneven: bool = False
    shadow: bool = False
    blur: float = 0.0
    noise: float = 0.0
    cracks: int = 0

    def fitting(self, version: int) -> Scene:
        """As large as the scene says, or as the frame has room for."""
        modules = 17 + 4 * version + 2 * QUIET_ZONE
        return replace(self, module=min(self.module, 0.98 * FRAME[1] / modules / (1.3 + self.tilt)))

    def photograph(self, dice: Random, matrix: Matrix) -> Image.Image:
        width, height = FRAME
        quad = self._corners(dice, len(matrix))
        code = flat(matrix, 8).point(lambda level: self.light if level else self.dark)
        corners = [(0.0, 0.0), (code.width, 0.0), (code.width, code.height), (0.0, code.height)]
        # Twice the size, and then halved: as a camera has it, with pixels that are a mean of what they cover.
        mapping = perspective([(2 * x, 2 * y) for x, y in quad], corners)
        picture = code.transform(
            (2 * width, 2 * height),
            Image.Transform.PERSPECTIVE,
            mapping,
            Image.Resampling.BILINEAR,
            fillcolor=90,
        ).resize(FRAME, Image.Resampling.BOX)
        self._crack(dice, picture, quad)
        if self.uneven:
            ramp = Image.linear_gradient("L").rotate(90 * dice.randrange(4)).resize(FRAME)
            picture = ImageChops.multiply(picture, ramp.point(lambda level: 60 + level * 195 // 255))
        if self.shadow:
            shade = Image.new("L", FRAME, 255)
            edge = dice.uniform(0.4, 0.6) * width
            ImageDraw.Draw(shade).polygon(
                [(edge - 60, 0), (width, 0), (width, height), (edge + 60, height)], fill=110
            )
            picture = ImageChops.multiply(picture, shade.filter(ImageFilter.GaussianBlur(4)))
        if self.blur:
            picture = picture.filter(ImageFilter.GaussianBlur(self.blur))
        if self.noise:
            picture = ImageChops.add(picture, _noise(dice, self.noise), scale=1, offset=-128)
        return picture

    def _corners(self, dice: Random, modules: int) -> list[Point]:
        half = self.module * modules / 2
        angle = dice.uniform(0, 2 * math.pi) if self.turned else 0.0
        middle_x, middle_y = FRAME[0] / 2 + dice.uniform(-20, 20), FRAME[1] / 2 + dice.uniform(-10, 10)
        quad = []
        for sign_x, sign_y in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
            x = sign_x * half * (1 + dice.uniform(-self.tilt, self.tilt))
            y = sign_y * half * (1 + dice.uniform(-self.tilt, self.tilt))
            quad.append(
                (
                    middle_x + math.cos(angle) * x - math.sin(angle) * y,
                    middle_y + math.sin(angle) * x + math.cos(angle) * y,
                )
            )
        return quad

    def _crack(self, dice: Random, picture: Image.Image, quad: Sequence[Point]) -> None:
        """Lines across the code that miss the three squares by which it is found."""
        for _ in range(self.cracks):
            at = dice.uniform(0.35, 0.6)
            (ax, ay), (bx, by), (cx, cy), (dx, dy) = quad
            line = (ax + at * (bx - ax), ay + at * (by - ay), dx + at * (cx - dx), dy + at * (cy - dy))
            if dice.random() < 0.5:
                line = (ax + at * (dx - ax), ay + at * (dy - ay), bx + at * (cx - bx), by + at * (cy - by))
            fill = dice.choice((self.dark, self.light))
            ImageDraw.Draw(picture).line(line, fill=fill, width=max(1, round(0.6 * self.module)))


def flat(matrix: Matrix, scale: int) -> Image.Image:
    """As it is printed: each module a square of so many pixels."""
    modules = len(matrix)
    picture = Image.new("L", (modules, modules))
    picture.putdata([0 if dark else 255 for row in matrix for dark in row])
    return picture.resize((modules * scale, modules * scale), Image.Resampling.NEAREST)


def perspective(seen: Sequence[Point], flat_corners: Sequence[Point]) -> tuple[float, ...]:
    """Pillow's eight numbers, by which each point that is seen is looked up; by Gauss and Jordan."""
    rows = []
    for (x, y), (u, v) in zip(seen, flat_corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y, u], [0, 0, 0, x, y, 1, -v * x, -v * y, v]]
    for column in range(8):
        pivot = max(range(column, 8), key=lambda row: abs(rows[row][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        rows[column] = [value / rows[column][column] for value in rows[column]]
        for row in range(8):
            if row != column:
                factor = rows[row][column]
                rows[row] = [a - factor * b for a, b in zip(rows[row], rows[column], strict=True)]
    return tuple(row[8] for row in rows)


def _noise(dice: Random, sigma: float) -> Image.Image:
    """Grain around 128; of the dice, so that the same seed makes the same picture."""
    width, height = FRAME
    half = Image.frombytes("L", (width // 2, height // 2), dice.randbytes(width * height // 4))
    other = Image.frombytes("L", FRAME, dice.randbytes(width * height))
    grain = ImageChops.add(
        half.resize(FRAME, Image.Resampling.NEAREST), other, scale=2
    )  # a triangle, sigma 52
    return grain.point(lambda level: max(0, min(255, round(128 + (level - 127.5) * sigma / 52))))
