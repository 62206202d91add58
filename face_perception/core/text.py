"""Text that came from outside, as it may be shown: one line, bounded, no control characters."""

from __future__ import annotations

import re

#: Characters of a whole sentence for the user, of a path and of one foreign value in it, at most.
LONGEST_SENTENCE = 1000
LONGEST_PATH = 300
LONGEST_VALUE = 60
#: Characters of what a library says, at most, and where in its source it says so: the signature of
#: a C++ function, which alone may be longer.
LONGEST_WORDS = 300
_PLACE = re.compile(r'\S+\.(?:cc|h):\d+ .*?\) (?=[A-Z])')


def one_line(text: object, longest: int = LONGEST_SENTENCE) -> str:
    r"""
    Return ``text`` such that it can go to a terminal, a log or a message.

    A camera's encoding, a file's name or a library's words may hold anything: a line break forges
    a line of the log, an escape sequence reaches the terminal, and a million characters fill the
    disk.  What is not printable is written as ``\x1b`` or ``\u202e``; more than ``longest``
    characters are cut, and how many there were is said.
    """
    text = str(text)
    shown = ''.join(map(_shown, text[:longest]))
    if len(text) <= longest and len(shown) <= longest:
        return shown
    return f'{shown[:longest]}… ({len(text)} characters)'


def value(text: object) -> str:
    """Return a foreign value as a part of a sentence: ``one_line``, and short."""
    return one_line(text, LONGEST_VALUE)


def library_words(text: str) -> str:
    """Return the part of a library's message that says what is wrong."""
    lines = text.strip().splitlines()
    return one_line(_PLACE.sub('', lines[-1]), LONGEST_WORDS) if lines else ''


def file_path(path: object) -> str:
    """Return a path as a part of a sentence."""
    return one_line(path, LONGEST_PATH)


def _shown(character: str) -> str:
    # Not so are control and format characters (which also turn the direction of writing), lone
    # surrogates, separators of lines, and what this Python's Unicode does not know.
    return character if character.isprintable() else character.encode('unicode_escape').decode()
