"""Errors that carry a sentence for the user: what is wrong and what to do about it."""


class FacePerceptionError(Exception):
    """Base of every error that this package raises on purpose."""


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
