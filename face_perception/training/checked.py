"""
The types that settings of a recipe have, with their ranges, and how they are checked.

Pydantic does it: it knows each type of Python's, names every wrong setting at once, and its
rules stand where the setting is declared.  Text is not taken for a number nor a number for a
truth value; a whole number may stand for a fraction.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from ..core.errors import FacePerceptionError
from ..core.onnx_models import CROP_MARGINS

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

#: As far as a seed and the steps of a run may go.
Count = Annotated[int, Field(ge=0, lt=2**31)]
Share = Annotated[float, Field(ge=0, le=1)]
ShareBelowOne = Annotated[float, Field(ge=0, lt=1)]
#: A network of more is larger than what any machine here could train.
Width = Annotated[int, Field(ge=1, le=8)]
Weight = Annotated[float, Field(ge=0, le=1000)]
Temperature = Annotated[float, Field(gt=0, le=100)]
Margin = Annotated[float, Field(ge=CROP_MARGINS[0], le=CROP_MARGINS[1])]
#: Side of a network's input in pixels: under 32 the last layers see nothing.
InputSize = Annotated[int, Field(ge=32, le=512)]
Degrees = Annotated[float, Field(ge=0, le=180)]
Octaves = Annotated[float, Field(ge=0, le=4)]

#: As an attribute of a dataclass: how Pydantic looks at it.
STRICT = ConfigDict(strict=True, extra='forbid', allow_inf_nan=False)

Kind = TypeVar('Kind')


class SettingsMistakeError(FacePerceptionError):
    """Settings of which some cannot be meant; the text names each."""


def checked(kind: type[Kind], values: dict) -> Kind:
    """
    Return ``kind`` (a dataclass with ``STRICT``) made of ``values``.

    Raises ``SettingsMistakeError`` for settings that are missing, unknown, of another type or
    out of range.
    """
    try:
        # As JSON: a list may then stand for a tuple, and a mapping for a dataclass.
        return TypeAdapter(kind).validate_json(json.dumps(values, default=str))
    except ValidationError as error:
        raise SettingsMistakeError('; '.join(map(_sentence, error.errors()))) from error


def _sentence(mistake: ErrorDetails) -> str:
    name = '.'.join(str(part) for part in mistake['loc'])
    if mistake['type'] == 'unexpected_keyword_argument':
        return f'{name} is an unknown setting'
    if mistake['type'] == 'missing':
        return f'{name} is missing'
    what = mistake['msg'].removeprefix('Input should be ').replace('Input ', 'it ')
    return f'{name} should be {what}, not {mistake["input"]!r}'
