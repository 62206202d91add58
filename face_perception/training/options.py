"""What the commands of the training ask for, and print, alike."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping


def add_malformed(parser: argparse.ArgumentParser) -> None:
    """Add ``--malformed`` to a command that reads data sets."""
    parser.add_argument(
        '--malformed',
        choices=('stop', 'skip'),
        default='stop',
        help='what to do at a row or image that cannot be read',
    )


def whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """Return the type of an option that takes a whole number, for ``argparse``."""

    def parse(text: str) -> int:
        if not text.isdecimal() or not lowest <= int(text) <= highest:
            raise argparse.ArgumentTypeError(
                f'{text} is no whole number from {lowest} to {highest}'
            )
        return int(text)

    return parse


def add_detectors(parser: argparse.ArgumentParser, purpose: str) -> None:
    """Add ``--detectors``, whose boxes something is measured with as ``purpose`` says."""
    parser.add_argument(
        '--detectors', nargs='*', choices=('onnx', 'haar'), default=[], help=purpose
    )


def print_numbers(numbers: Mapping[str, float]) -> None:
    """Print what was measured, a number per line."""
    for name, value in numbers.items():
        print(f'{name:32s} {value}')
