"""The command line of ``face_perception_annotate``."""

from __future__ import annotations

import argparse
from argparse import SUPPRESS
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..console.arguments import Parser, number
from ..core.detectors import DETECTORS
from ..core.settings import PipelineSettings
from ..media.images.decode import MAX_PIXELS, MEGAPIXEL
from .outputs.sinks import OUTPUTS
from .types import Task

DESCRIPTION = """
Find the faces in rosbag2 bags, videos, pictures and folders of pictures, and write tables,
annotated videos and bags. Runs without ROS. Finished inputs are kept when the command runs again.
"""


@dataclass(frozen=True)
class Options:
    """What the user asks for; ``common`` has the options of all tasks, and no input."""

    inputs: tuple[str, ...]
    output: Path
    common: Task
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
        type=Path,
        required=True,
        default=SUPPRESS,
        help='folder that gets a folder for each input',
    )
    parser.add_argument(
        '--outputs',
        nargs='+',
        choices=tuple(OUTPUTS),
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
    return Options(
        tuple(options.inputs),
        options.output.expanduser(),
        Task(
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


def _add_pipeline(group) -> None:
    default = PipelineSettings()
    group.add_argument(
        '--detector',
        choices=tuple(DETECTORS),
        default=default.detector_type,
        help='which detector finds the faces',
    )
    group.add_argument(
        '--detector-model',
        metavar='FILE',
        default=SUPPRESS,
        help="network of 'onnx' and 'yunet'; without it the package's own",
    )
    group.add_argument(
        '--input-size',
        metavar='PX',
        type=number(int, 64, 4096, 'a size in pixels'),
        default=default.detector_input_size,
        help='long side to which a picture is shrunk for detection',
    )
    group.add_argument(
        '--score-threshold',
        metavar='S',
        type=number(float, 0, 1, 'a score'),
        default=0.0,
        help='drop faces with a lower score; 0 is what the detector recommends',
    )
    group.add_argument(
        '--detector-interval',
        metavar='N',
        type=number(int, 1, 100, 'a number'),
        default=default.detector_interval,
        help='detect in every n-th picture',
    )
    group.add_argument(
        '--classifier-interval',
        metavar='N',
        type=number(int, 1, 100, 'a number'),
        default=default.classifier_interval,
        help='classify each face in every n-th picture',
    )
    group.add_argument(
        '--max-faces',
        metavar='N',
        type=number(int, 0, 1000, 'a number of faces'),
        default=default.max_faces,
        help='faces per picture that are classified at most; 0 is no limit',
    )
    group.add_argument(
        '--max-age',
        metavar='S',
        type=number(float, 0, 60, 'a number of seconds'),
        default=default.tracker_max_age,
        help='seconds after which an unseen face is forgotten',
    )
    group.add_argument(
        '--smoothing',
        metavar='S',
        type=number(float, 0, 60, 'a number of seconds'),
        default=default.smoothing_time_constant,
        help='seconds over which answers are averaged; 0 is off',
    )
    group.add_argument(
        '--threads',
        metavar='N',
        type=number(int, 1, 64, 'a number of threads'),
        default=default.num_threads,
        help='CPU threads of each network',
    )
    for task in ('emotion', 'gender'):
        group.add_argument(
            f'--{task}-model',
            metavar='FILE',
            default=getattr(default, f'{task}_model'),
            help='a bare name is one of the package, anything else a path',
        )
        group.add_argument(f'--no-{task}', action='store_true', help=f'do not classify {task}')


def _settings(options: argparse.Namespace) -> PipelineSettings:
    return PipelineSettings(
        detector_type=options.detector,
        detector_input_size=options.input_size,
        detector_score_threshold=options.score_threshold or None,
        detector_model=options.detector_model,
        emotion_model='' if options.no_emotion else options.emotion_model,
        gender_model='' if options.no_gender else options.gender_model,
        num_threads=options.threads,
        detector_interval=options.detector_interval,
        classifier_interval=options.classifier_interval,
        max_faces=options.max_faces,
        tracker_max_age=options.max_age,
        smoothing_time_constant=options.smoothing,
    )
