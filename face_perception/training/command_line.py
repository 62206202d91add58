"""The command line of ``face_perception_train``."""

from __future__ import annotations

import argparse

from .options import add_malformed, whole_number

#: More threads than any machine has.
MOST_THREADS = 1024


def parse_arguments() -> argparse.Namespace:
    """Return what was given; exits with code 2 on a mistake."""
    positive, none_or_more = (whole_number(lowest, MOST_THREADS) for lowest in (1, 0))
    parser = argparse.ArgumentParser(
        prog='face_perception_train', description='Train a network (resumes by itself).'
    )
    parser.add_argument(
        'recipe',
        help='YAML file, such as config/training/emotion.yaml, or the folder of a run that goes on',
    )
    parser.add_argument(
        '--data', required=True, nargs='+', help='files or folders with the data sets'
    )
    parser.add_argument('--output', help='folder of the run')
    parser.add_argument(
        '--decay',
        type=int,
        metavar='EPOCHS',
        help='branch off the run given as recipe: in so many epochs, in the folder --output, the '
        'rate falls to nothing and a network to export results',
    )
    parser.add_argument(
        '--teacher',
        nargs='+',
        default=[],
        metavar='RUN_OR_FILE',
        help='what to learn from, for a recipe with distillation: folders of '
        'finished runs or, for a classifier, exported ONNX files, whose predictions are averaged',
    )
    parser.add_argument(
        '--start-from',
        metavar='RUN_OR_FILE',
        help='what to go on from: an exported ONNX file of the same '
        'architecture, or the folder of a run, also of a network that has '
        'grown since',
    )
    add_malformed(parser)
    parser.add_argument('--device', default='auto', help='cpu, cuda, or auto: CUDA if there is one')
    parser.add_argument('--threads', type=positive, help='CPU threads (default: PyTorch decides)')
    parser.add_argument(
        '--micro-batches',
        type=positive,
        default=1,
        metavar='N',
        help='split each batch into N, a thread each, and normalise each by itself: on a CPU with '
        'N cores faster than threads within the layers',
    )
    parser.add_argument(
        '--workers',
        type=none_or_more,
        default=0,
        metavar='N',
        help='processes that make samples of scenes ahead (detector, Linux): with a GPU as many as '
        'there are cores',
    )
    # Its former name.
    parser.add_argument(
        '--parts', dest='micro_batches', type=positive, default=1, help=argparse.SUPPRESS
    )
    return parser.parse_args()
