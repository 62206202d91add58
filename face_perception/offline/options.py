"""The command line of ``face_perception_annotate``."""

from __future__ import annotations

import argparse
import os
import re
from argparse import SUPPRESS
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..console.arguments import Parser, number
from ..core.files import at_home
from ..core.settings import DEFAULTS, SETTINGS, PipelineSettings
from ..core.text import value
from ..media.images.decode import MAX_PIXELS, MEGAPIXEL
from .outputs.sinks import OUTPUTS
from .types import Job

DESCRIPTION = """
Find the faces in rosbag2 bags, videos, images and folders of images, and write tables,
annotated videos and bags. Runs without ROS. Finished inputs are kept when the command runs again.
"""


@dataclass(frozen=True)
class Options:
    """What the user asks for; ``common`` has the options of all jobs, and no input."""

    inputs: tuple[str, ...]
    output: Path
    common: Job
    workers: int = 1
    scheduler: str = ''


def parse_arguments(program: str, args: Sequence[str] | None) -> Options:
    """Return the options; a mistake prints one line and exits with code 2."""
    parser = Parser(prog=program, description=DESCRIPTION)
    parser.add_argument(
        'inputs',
        metavar='INPUT',
        nargs='+',
        help='bag (folder, .mcap or .db3), video, GIF, image, folder of images, '
        'or a pattern of such paths',
    )
    parser.add_argument(
        '--output',
        metavar='DIR',
        type=_folder,
        required=True,
        default=SUPPRESS,
        help='folder that gets a folder for each input',
    )
    parser.add_argument(
        '--outputs',
        nargs='+',
        type=_output,
        metavar='KIND',
        default=SUPPRESS,
        help=f'what to make, of {", ".join(OUTPUTS)}; without it table, video '
        'and summary, and bag of a bag',
    )
    parser.add_argument(
        '--topic',
        action='append',
        default=SUPPRESS,
        metavar='TOPIC',
        help='image topic of a bag; may be repeated; without it all of them',
    )
    parser.add_argument(
        '--anonymize',
        choices=('blur', 'pixelate'),
        default=SUPPRESS,
        help='make the faces unrecognisable in all that is written',
    )
    parser.add_argument(
        '--annotated-image',
        choices=('jpeg', 'raw', 'none'),
        default='jpeg',
        help='how a bag carries the annotated images',
    )
    parser.add_argument(
        '--max-megapixels',
        metavar='N',
        type=number(int, 1, 1000, 'a number of megapixels'),
        default=MAX_PIXELS // MEGAPIXEL,
        help='skip larger images; each takes up to 9 MB of memory per megapixel',
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        '--workers',
        metavar='N',
        type=number(int, 1, 256, 'a number of processes'),
        default=1,
        help='processes of this machine, each with an input at a time',
    )
    where.add_argument(
        '--scheduler',
        metavar='ADDRESS',
        default='',
        help='dask scheduler whose workers do it, such as tcp://10.0.0.5:8786; all '
        'machines see inputs and output under the same paths',
    )
    _add_pipeline(parser.add_argument_group('pipeline', "as the node's parameters"))
    # Beside the parser: 'default: None' and the like help nobody.
    options = parser.parse_args(
        args, argparse.Namespace(outputs=[], topic=[], anonymize='', detector_model='')
    )
    if options.detector_model and options.detector_type == 'haar':
        parser.error("--detector-model is for the detectors 'onnx' and 'yunet': leave it out")
    return Options(
        tuple(options.inputs),
        options.output,
        Job(
            source=Path(),
            folder=Path(),
            outputs=tuple(dict.fromkeys(options.outputs)),
            anonymize=options.anonymize,
            topics=tuple(dict.fromkeys(options.topic)),
            settings=_settings(options),
            annotated=options.annotated_image,
            max_pixels=options.max_megapixels * MEGAPIXEL,
        ),
        options.workers,
        options.scheduler,
    )


def _folder(text: str) -> Path:
    # As of a variable that is not set: the results would lie in the present folder.
    if not text:
        raise argparse.ArgumentTypeError('it is empty: give the folder for the results')
    return at_home(text)


def _output(text: str) -> str:
    if text in OUTPUTS:
        return text
    hint = ''
    if ',' in text:
        hint = ', with blanks between them'
    elif os.path.lexists(at_home(text)):
        hint = ': inputs come before --outputs, or behind a --'
    raise argparse.ArgumentTypeError(
        f"invalid choice: '{value(text)}' (choose from {', '.join(OUTPUTS)}){hint}"
    )


#: The options that are settings of the pipeline: option, setting, and what stands for the value.
PIPELINE_OPTIONS = (
    ('--detector', 'detector_type', None),
    ('--detector-model', 'detector_model', 'FILE'),
    ('--input-size', 'detector_input_size', 'PX'),
    ('--score-threshold', 'detector_score_threshold', 'S'),
    ('--detector-interval', 'detector_interval', 'N'),
    ('--detector-max-rate', 'detector_max_rate', 'HZ'),
    ('--classifier-interval', 'classifier_interval', 'N'),
    ('--classifier-max-rate', 'classifier_max_rate', 'HZ'),
    ('--max-faces', 'max_faces', 'N'),
    ('--max-age', 'tracker_max_age', 'S'),
    ('--faint-share', 'tracker_faint_share', 'SHARE'),
    ('--confirmations', 'tracker_confirmations', 'N'),
    ('--smoothing', 'smoothing_time_constant', 'S'),
    ('--threads', 'num_threads', 'N'),
    ('--emotion-model', 'emotion_model', 'FILE'),
    ('--gender-model', 'gender_model', 'FILE'),
    ('--emotion-min-confidence', 'emotion_min_confidence', 'P'),
    ('--gender-min-confidence', 'gender_min_confidence', 'P'),
)

#: The option for each parameter of the node, by which the core's sentences call its settings.
_OPTIONS = {SETTINGS[name].parameter: option for option, name, _ in PIPELINE_OPTIONS}

#: A recording has time: every image is looked at, so that no face is hidden an image too late.
OFFLINE_DEFAULTS = {'detector_max_rate': 0.0}


def with_options(sentence: str) -> str:
    """Return a sentence about settings with this command's options instead of parameters."""
    parameters = '|'.join(map(re.escape, _OPTIONS))
    return re.sub(rf'(?<![\w./-])({parameters})(?!\w|\.\w)', lambda it: _OPTIONS[it[1]], sentence)


def _add_pipeline(group) -> None:
    for option, name, metavar in PIPELINE_OPTIONS:
        setting, default = SETTINGS[name], OFFLINE_DEFAULTS.get(name, DEFAULTS[name])
        limits: dict[str, Any] = {}  # of argparse
        if setting.choices:
            limits['choices'] = setting.choices
        elif setting.minimum is not None and setting.maximum is not None:
            kind = int if isinstance(default, int) else float
            limits['type'] = number(kind, setting.minimum, setting.maximum, setting.noun)
        group.add_argument(
            option,
            dest=name,
            metavar=metavar,
            # 'default: ' helps nobody.
            default=SUPPRESS if default == '' else default,
            help=setting.help,
            **limits,
        )
    for task in ('emotion', 'gender'):
        group.add_argument(f'--no-{task}', action='store_true', help=f'do not classify {task}')


def _settings(options: argparse.Namespace) -> PipelineSettings:
    values = {name: getattr(options, name) for _, name, _ in PIPELINE_OPTIONS}
    for task in ('emotion', 'gender'):
        if getattr(options, f'no_{task}'):
            values[f'{task}_model'] = ''
    return PipelineSettings(**values)
