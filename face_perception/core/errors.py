"""Errors that carry a sentence for the user: what is wrong and what to do about it."""

from __future__ import annotations

from .text import one_line


class FacePerceptionError(Exception):
    """
    Base of every error that this package raises on purpose.

    The sentence may hold what came from outside, such as an encoding or a file's name: it is
    made printable here, on one line and of bounded length, for all who log or show it.
    """

    #: Whether the sentence goes on with lines of a list that the package itself makes.
    with_list = False

    def __init__(self, message: object = ''):
        lines = str(message).splitlines() if self.with_list else [message]
        super().__init__('\n'.join(map(one_line, lines)))


class SettingsError(FacePerceptionError):
    """A setting has a value that cannot be used."""


class ModelError(FacePerceptionError):
    """A model file is missing, damaged, or does not keep the package's contract."""


class DetectorError(FacePerceptionError):
    """A detector is unknown or cannot run on this machine."""


class ImageError(FacePerceptionError):
    """An image cannot be used; ``kind`` names the sort of fault, for counting."""

    def __init__(self, kind: str, message: str):
        super().__init__(message)
        self.kind = kind
