"""Command lines whose mistakes are answered with one sentence."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable
from typing import NoReturn


class Help(argparse.ArgumentDefaultsHelpFormatter):
    """States defaults that somebody could type, unless the text does."""

    def _get_help_string(self, action: argparse.Action) -> str:
        text = action.help or ''
        nothing = any(action.default is value for value in (None, False))  # but 0 is a value
        if nothing or action.default in ('', []) or '(default' in text:
            return text
        return super()._get_help_string(action) or ''


class Parser(argparse.ArgumentParser):
    """An argument parser that says what is wrong in one line and exits with code 2."""

    def __init__(self, **kwargs):
        super().__init__(allow_abbrev=False, formatter_class=Help, **kwargs)

    def error(self, message: str) -> NoReturn:
        """Print one line instead of the whole usage."""
        print(f'{self.prog}: {message} (see {self.prog} --help)', file=sys.stderr)
        sys.exit(2)

    def goes_with(self, leader: str, options: argparse.Namespace, *names: str) -> None:
        """Refuse those options that would do nothing, as ``--leader`` was not given."""
        for name in () if getattr(options, leader) else names:
            if getattr(options, name) != self.get_default(name):
                option = f'--{name.replace("_", "-")}'
                self.error(f'{option} goes with --{leader}: add that, or leave {option} out')


def image_size(text: str) -> tuple[int, int]:
    """Return (width, height) for a text such as ``640x480``."""
    match = re.fullmatch(r'(\d+)x(\d+)', text)
    size = (int(match[1]), int(match[2])) if match else (0, 0)
    if not all(16 <= side <= 8192 for side in size):
        raise argparse.ArgumentTypeError(
            f"'{text}' is no size: give width and height in pixels, 16 to 8192, such as 640x480"
        )
    return size


def image_rate(text: str) -> float:
    """Return a rate in images per second."""
    return _number(text, float, 0.1, 1000, 'a rate in images per second')


def image_count(text: str) -> int:
    """Return a number of images."""
    return _number(text, int, 1, 10**9, 'a number of images')


def duration(text: str) -> float:
    """Return a duration in seconds."""
    return _number(text, float, 1, 86_400, 'a duration in seconds')


def message_text(text: str) -> str:
    """Return a text for a field of a message, which is UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(text).decode(errors='backslashreplace')
        raise argparse.ArgumentTypeError(f"'{shown}' is no UTF-8: give another") from None
    return text


def number(kind: type, minimum: float, maximum: float, meaning: str) -> Callable:
    """Return what makes an int or float of a text, and refuses one out of range."""
    return lambda text: _number(text, kind, minimum, maximum, meaning)


def _number(text: str, kind: type, minimum: float, maximum: float, meaning: str):
    try:
        value = kind(text)
    except ValueError:
        value = float('nan')
    if not minimum <= value <= maximum:
        raise argparse.ArgumentTypeError(f"'{text}' is not {meaning} of {minimum:g} to {maximum:g}")
    return value
