from __future__ import annotations

from io import BytesIO
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from services.qr.domain.images import QUIET_ZONE, draw_matrix, draw_png, draw_svg

TOKEN = ("6BF5029 /:" * 15)[:150]


def test_a_code_fits_version_6_with_medium_correction():
    assert len(draw_matrix(TOKEN)) == 41 + 2 * QUIET_ZONE  # version v has 17 + 4v modules


def test_stronger_correction_takes_more_room():
    sizes = [len(draw_matrix(TOKEN, level)) for level in ("L", "M", "Q", "H")]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("size", [64, 100, 512, 777, 2048])
def test_a_png_has_the_size_asked_for_and_a_quiet_zone(size):
    image = Image.open(BytesIO(draw_png(TOKEN, size)))
    assert image.size == (size, size)
    edge = [image.getpixel((at, 0)) for at in range(size)] + [image.getpixel((0, at)) for at in range(size)]
    assert all(edge)
    assert image.getextrema() == (0, 255)


def test_a_png_is_never_smaller_than_its_modules():
    modules = len(draw_matrix(TOKEN, "H"))
    assert Image.open(BytesIO(draw_png(TOKEN, 64, "H"))).size == (max(64, modules), max(64, modules))


def test_the_pixels_of_a_png_are_the_modules():
    matrix = draw_matrix(TOKEN)
    image = Image.open(BytesIO(draw_png(TOKEN, len(matrix) * 3)))
    for y, row in enumerate(matrix):
        for x, dark in enumerate(row):
            assert (image.getpixel((3 * x + 1, 3 * y + 1)) == 0) is dark


def test_the_bars_of_an_svg_are_the_modules():
    matrix = draw_matrix(TOKEN)
    svg = ET.fromstring(draw_svg(TOKEN))
    bars = svg[1].attrib["d"].removeprefix("M").removesuffix("z").split("zM")
    dark = set()
    for bar in bars:
        x, y, width = bar.replace("v1h-", " ").replace("h", " ").split()[:3]
        dark |= {(int(x) + step, int(y)) for step in range(int(width))}
    assert dark == {(x, y) for y, row in enumerate(matrix) for x, value in enumerate(row) if value}
