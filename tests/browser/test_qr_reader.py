"""The scanner's own reader of QR codes, alone in Chromium: what it has to read, and what it must not."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final, Protocol

import pytest
from PIL import Image, ImageDraw, ImageFilter
from qrcode import base, util

from tests.browser.code_pictures import (
    ALPHANUMERIC,
    BYTES,
    FRAME,
    LEVELS,
    NUMERIC,
    QUIET_ZONE,
    VERSIONS,
    Code,
    Scene,
    flat,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser, CDPSession, Page

MODULE: Final = Path(__file__).parents[2] / "services" / "qr" / "static" / "qr_reader.js"
ADDRESS: Final = "http://reader.example/"
EACH_SCENE: Final = 8
BUDGET_MS: Final = 60

READ: Final = """
async (pictures) => {
  const { read } = await import("/qr_reader.js");
  const answers = [];
  for (const png of pictures) {
    const bytes = Uint8Array.from(atob(png), (character) => character.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    context.drawImage(bitmap, 0, 0);
    answers.push(read(context.getImageData(0, 0, bitmap.width, bitmap.height)));
  }
  return answers;
}
"""

SCENES: Final = {
    "turned": Scene(),
    "far away": Scene(module=2.5),
    "tilted": Scene(tilt=0.2),
    "tilted far": Scene(tilt=0.25),
    "tilted and far away": Scene(module=3, tilt=0.15),
    "unevenly lit": Scene(tilt=0.1, uneven=True),
    "half in a shadow": Scene(tilt=0.1, shadow=True),
    "of little contrast": Scene(tilt=0.1, dark=110, light=150, noise=6),
    "blurred": Scene(tilt=0.1, blur=2),
    "blurred and far away": Scene(module=3, tilt=0.1, blur=1.2),
    "noisy": Scene(tilt=0.1, noise=35),
    "noisy and far away": Scene(module=3, tilt=0.1, noise=15),
    "cracked": Scene(tilt=0.1, cracks=1),
    "in all ways at once": Scene(tilt=0.15, uneven=True, blur=1, noise=12),
}


class Read(Protocol):
    """Answers what the reader reads in each picture."""

    def __call__(self, pictures: Sequence[Image.Image]) -> list[str | None]: ...


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """An empty page of an origin that has the module and nothing else."""
    context = browser.new_context()
    context.route(ADDRESS + "**", lambda route: route.fulfill(body="", content_type="text/html"))
    context.route(
        ADDRESS + MODULE.name, lambda route: route.fulfill(path=MODULE, content_type="text/javascript")
    )
    opened = context.new_page()
    opened.goto(ADDRESS)
    yield opened
    context.close()


@pytest.fixture
def read(page: Page) -> Read:
    def read(pictures: Sequence[Image.Image]) -> list[str | None]:
        answers: list[str | None] = page.evaluate(READ, [_png(picture) for picture in pictures])
        return answers

    return read


def _png(picture: Image.Image) -> str:
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return base64.b64encode(file.getvalue()).decode()


def _finders_everywhere(dice: Random) -> Image.Image:
    """What costs most: all combinations look likely."""
    picture = Image.new("L", FRAME, 220)
    pen = ImageDraw.Draw(picture)
    for _ in range(25):
        x, y, module = dice.randrange(600), dice.randrange(440), dice.randrange(2, 7)
        for inset, fill in ((0, 20), (1, 220), (2, 20)):
            near, far = inset * module, (7 - inset) * module - 1
            pen.rectangle((x + near, y + near, x + far, y + far), fill=fill)
    return picture


def _thread_ms(session: CDPSession) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return 1000 * next(float(each["value"]) for each in metrics if each["name"] == "ThreadTime")


def test_the_division_into_blocks_is_the_standards(page: Page) -> None:
    ours = page.evaluate("async () => (await import('/qr_reader.js')).BLOCKS")
    for version in VERSIONS:
        for level in LEVELS.values():
            blocks = base.rs_blocks(version, level)
            correcting = {block.total_count - block.data_count for block in blocks}
            assert correcting == {ours[level]["correcting"][version - 1]}
            assert len(blocks) == ours[level]["blocks"][version - 1]


def test_every_version_level_mode_and_mask_is_read(read: Read) -> None:
    dice = Random(1)
    codes = [
        Code.like(dice, version, level, mode, mask=(version + mode + at) % 8)
        for version in VERSIONS
        for at, level in enumerate(LEVELS)
        for mode in (NUMERIC, ALPHANUMERIC, BYTES)
    ]
    codes += [
        Code(6, "M", code.text, ALPHANUMERIC, mask) for mask in range(8) for code in [Code.of_ticket(dice)]
    ]
    texts = read([flat(code.draw(), 4) for code in codes])
    assert texts == [code.text for code in codes]


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_a_code_is_read_however_it_is_held(read: Read, scene: Scene) -> None:
    dice = Random(repr(scene))
    codes = [Code.of_ticket(dice) for _ in range(EACH_SCENE // 2)]
    for _ in range(EACH_SCENE // 2):
        mode = dice.choice((NUMERIC, ALPHANUMERIC, BYTES))
        level = dice.choice("MQH" if scene.cracks else "LMQH")
        codes.append(Code.like(dice, dice.choice(VERSIONS), level, mode))
    texts = read([scene.fitting(code.version).photograph(dice, code.draw()) for code in codes])
    assert texts == [code.text for code in codes]


def test_damage_is_mended_as_far_as_the_level_goes_and_no_further(read: Read) -> None:
    dice = Random(2)
    codes = [Code.like(dice, version, level, ALPHANUMERIC) for version in VERSIONS for level in LEVELS]
    texts = read([flat(code.damaged(dice), 4) for code in codes])
    assert texts == [code.text for code in codes]
    for more in (1, 4):
        texts = read([flat(code.damaged(dice, more), 4) for code in codes])
        assert texts == [None] * len(codes)


def test_what_only_looks_like_a_code_is_none(read: Read) -> None:
    dice = Random(3)
    pictures = []
    for _ in range(30):
        code = Code.like(dice, dice.choice(VERSIONS), dice.choice("LMQH"), BYTES)
        matrix = code.draw()
        for row in range(QUIET_ZONE + 9, len(matrix) - QUIET_ZONE):
            for column in range(QUIET_ZONE + 9, len(matrix) - QUIET_ZONE):
                matrix[row][column] = dice.random() < 0.5
        pictures.append(flat(matrix, 4))
    texts = read(pictures)
    assert texts == [None] * len(pictures)


def test_there_is_no_code_in_a_picture_without_one(read: Read) -> None:
    dice = Random(4)
    pictures = [Image.new("L", FRAME, level) for level in (0, 128, 255)] + [
        Image.new("L", (1, 1)),
        Image.new("L", (640, 3)),
    ]
    for grain in (1, 2, 4, 8):
        size = (FRAME[0] // grain, FRAME[1] // grain)
        coarse = Image.frombytes("L", size, dice.randbytes(size[0] * size[1])).resize(
            FRAME, Image.Resampling.NEAREST
        )
        pictures += [
            coarse,
            coarse.point(lambda level: 255 if level > 127 else 0),
            coarse.filter(ImageFilter.GaussianBlur(3)),
        ]
    pictures += [_finders_everywhere(dice) for _ in range(8)]
    assert read(pictures) == [None] * len(pictures)


def test_a_frame_takes_less_than_its_budget(page: Page, read: Read) -> None:
    """In the thread's own time: other processes may have the machine meanwhile."""
    dice = Random(5)
    codes = [Code.of_ticket(dice) for _ in SCENES]
    pictures = [
        scene.fitting(6).photograph(dice, code.draw())
        for scene, code in zip(SCENES.values(), codes, strict=True)
    ]
    pictures.append(_finders_everywhere(dice))
    read(pictures)  # compiled, as after a few frames
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    took = []
    for picture in pictures:
        before = _thread_ms(session)
        read([picture])
        took.append(_thread_ms(session) - before)
    assert 0 < sum(took) / len(took) < BUDGET_MS


def test_segments_of_several_modes_make_one_text(read: Read) -> None:
    parts = [("SEAT ", ALPHANUMERIC), ("0042", NUMERIC), ("यात्री, fenêtre", BYTES), ("7", NUMERIC)]
    for announced in (False, True):  # that bytes are UTF-8 may be said, or not
        bits = util.BitBuffer()
        for text, mode in parts:
            if announced and mode == BYTES:
                bits.put(7, 4)
                bits.put(26, 8)
            data = util.QRData(text.encode(), mode=mode)
            bits.put(mode, 4)
            bits.put(len(data), util.length_in_bits(mode, 4))
            data.write(bits)
        blocks = base.rs_blocks(4, LEVELS["M"])
        bits.put(0, 4)
        bits.put(0, -len(bits) % 8)
        while len(bits) < 8 * sum(block.data_count for block in blocks):
            bits.put(0xEC, 8)
        matrix = Code(4, "M", "", BYTES, 5).draw(util.create_bytes(bits, blocks))
        assert read([flat(matrix, 4)]) == ["SEAT 0042यात्री, fenêtre7"]


def test_bytes_that_are_no_utf_8_are_latin_1(read: Read) -> None:
    drawing = Code(2, "M", "fenêtre", BYTES, 1)
    codewords = util.create_data(2, LEVELS["M"], [util.QRData("fenêtre".encode("latin-1"), mode=BYTES)])
    assert read([flat(drawing.draw(codewords), 4)]) == ["fenêtre"]
