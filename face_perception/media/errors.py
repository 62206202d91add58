"""Errors of the tools."""

from ..core.errors import FacePerceptionError


class SourceError(FacePerceptionError):
    """A source of images does not exist, does not open, or holds no image."""
