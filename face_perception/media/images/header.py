"""What an encoded image says of itself before any of it is decoded."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.errors import ImageError


@dataclass(frozen=True)
class ImageHeader:
    """
    The kind of an encoded image and its size in pixels.

    ``data`` is what a decoder needs of it: parts that it may stumble over are left out. ``images``
    counts all that the file holds, of which the first is decoded.  What decoders leave undone:
    ``turns`` of 90 degrees to the left, then ``mirror``, a code of ``cv2.flip``, and ``inverted``
    for 16 bits of gray that are 0 where it is white.
    """

    kind: str
    width: int
    height: int
    data: bytes
    images: int = 1
    turns: int = 0
    mirror: int | None = None
    inverted: bool = False


def cut(kind: str, size: int, what: str) -> ImageError:
    """Return the error for an image of ``size`` bytes that does not go on to its end."""
    return ImageError(
        'truncated',
        f'a {kind} image of {size} bytes {what}: it was cut on its way or by what wrote it',
    )


def damaged(kind: str, size: int, what: str) -> ImageError:
    """Return the error for an image of ``size`` bytes that contradicts its format."""
    return ImageError(
        'corrupt',
        f'a {kind} image of {size} bytes cannot be decoded, as {what}: it is damaged',
    )
