"""
A Matplotlib figure on which things have a place in inches, and how numbers are written on it.

Nothing is laid out by itself, so nothing overlaps whatever there is to show.
"""

from __future__ import annotations

#: Width of the page and its margins, in inches.
WIDTH, LEFT, RIGHT = 12.0, 0.35, 0.35
GRAY = '#666666'


class Page:
    """A figure on which things are placed in inches from the upper left corner."""

    def __init__(self, figure, height: float):
        self.figure, self.height = figure, height

    def axes(self, top: float, left: float, height: float, width: float):
        """Return new axes of this place and size."""
        return self.figure.add_axes(
            (left / WIDTH, 1 - (top + height) / self.height, width / WIDTH, height / self.height)
        )

    def write(self, top: float, left: float, text: str, size: float = 10, **style) -> None:
        """Write text as it is: no part of it is mathematics."""
        self.figure.text(
            left / WIDTH,
            1 - top / self.height,
            text,
            fontsize=size,
            va='top',
            parse_math=False,
            **style,
        )


def time_label(seconds: float) -> str:
    """Return a length of time, such as ``8.4 s`` or ``12:05 min``."""
    if seconds < 100:
        return f'{seconds:.1f} s'
    return f'{int(seconds) // 60}:{int(seconds) % 60:02d} min'


def shorter(text: str, longest: int) -> str:
    """Return a text with its middle left out where it is too long."""
    text = ' '.join(text.split())
    half = (longest - 1) // 2
    return text if len(text) <= longest else f'{text[:half]}…{text[-half:]}'


def counted(number: int, what: str) -> str:
    """Return a number with its noun, such as ``1 face`` or ``2 faces``."""
    return f'{number:,} {what}' + ('' if number == 1 else 's')
