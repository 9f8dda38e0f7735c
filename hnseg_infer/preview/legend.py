"""The legend of a preview: organs with colour and volume, paired organs on one line."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hnseg_infer.preview.panels import Color

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

BACKGROUND = (16, 18, 22)
TEXT = (226, 229, 234)
FAINT = (138, 145, 156)

ROW_PIXELS = 29
"""Height of a line where there is room; long lists get narrower lines."""


@dataclass(frozen=True)
class Entry:
    """One organ of the legend. cm3: 0 when the organ was not found."""

    name: str
    color: Color
    cm3: float


def draw_legend(entries: Sequence[Entry], size: tuple[int, int]) -> "Image":
    """RGB picture of ``size`` (width, height) pixels.

    ``<name>_right`` and ``<name>_left`` share a line, the patient's right first as in the planes;
    organs without a partner follow, each on its own line.
    """
    from PIL import Image, ImageDraw, ImageFont

    by_name = {entry.name: entry for entry in entries}
    stems = list(dict.fromkeys(_stem(name) for name in by_name))
    pairs = [stem for stem in stems if f"{stem}_right" in by_name or f"{stem}_left" in by_name]
    single = [entry for entry in entries if _stem(entry.name) not in pairs or entry.name in pairs]
    lines = len(pairs) + len(single) + 2
    image = Image.new("RGB", size, BACKGROUND)
    pitch = min(float(ROW_PIXELS), size[1] / lines)
    writer = _Writer(ImageDraw.Draw(image), ImageFont.load_default(size=pitch * 0.6), pitch)
    right, left = 0.52 * size[0], 0.78 * size[0]
    writer.text(0, "volume in cm3", FAINT)
    if pairs:
        writer.text(right, "right", FAINT)
        writer.text(left, "left", FAINT)
    writer.next_line()
    for stem in pairs:
        writer.text(0, _plain(stem), TEXT)
        writer.value(right, by_name.get(f"{stem}_right"))
        writer.value(left, by_name.get(f"{stem}_left"))
        writer.next_line()
    if pairs:
        writer.next_line(0.4)
    for entry in single:
        writer.text(0, _plain(entry.name), TEXT)
        writer.value(right, entry)
        writer.next_line()
    return image


@dataclass
class _Writer:
    """Puts text and colour samples on lines of equal height, from top to bottom."""

    draw: "ImageDraw"
    font: "FreeTypeFont | ImageFont"
    pitch: float
    top: float = 0.0

    def next_line(self, lines: float = 1.0) -> None:
        self.top += lines * self.pitch

    def text(self, x: float, text: str, color: Color) -> None:
        self.draw.text((x, self.top + self.pitch / 2), text, fill=color, font=self.font, anchor="lm")

    def value(self, x: float, entry: Entry | None) -> None:
        if entry is None:
            return
        side = 0.44 * self.pitch
        top = self.top + (self.pitch - side) / 2
        found = entry.cm3 > 0
        self.draw.rounded_rectangle(
            (x, top, x + side, top + side),
            radius=side / 4,
            fill=entry.color if found else None,
            outline=entry.color if found else FAINT,
        )
        self.text(x + 1.6 * side, _volume(entry.cm3) if found else "not found", TEXT if found else FAINT)


def _stem(name: str) -> str:
    return name.removesuffix("_left").removesuffix("_right")


def _plain(name: str) -> str:
    return name.replace("_", " ").replace("tmj", "temporomandibular joint")


def _volume(cm3: float) -> str:
    return f"{cm3:.2f}" if cm3 < 10 else f"{cm3:.1f}"
