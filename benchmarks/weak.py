"""
How nodes do on one core, or on a share of it: ``python benchmarks/weak.py``.

The nodes, and only they, are held to one core and to a share of that, together (see ``held.py``).
Their start is not held, so that each case begins with nodes that run.  Each has a camera and a
listener of its own, in a ROS domain of its own.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from held import hold, run_held
from rig import LARGEST_DOMAIN_ID, Scene, measure, prepare_environment

from face_perception.console.arguments import number
from face_perception.console.endings import ended
from face_perception.core.errors import FacePerceptionError

#: Seconds until the processes are held, and how long they then are before the measurement begins:
#: longer than ``target_latency`` needs.
START_S, SETTLE_S = 8.0, 8.0


def measure_one(scene: Scene, middle: tuple, seconds: float, domain: int) -> dict:
    """Return what the probe of one node sees, in a process of its own."""
    os.environ['ROS_DOMAIN_ID'] = str(domain)
    return measure(scene, middle, START_S + SETTLE_S, seconds, lambda: time.sleep(0.05))


def measure_held(scene: Scene, options: argparse.Namespace, percent: int) -> list[dict]:
    """Return what the probes of all nodes see that share so many percent of a core."""
    name, _, words = scene.node
    given = [word for each in options.set for word in ('-p', each)]
    domains = random.sample(range(1, LARGEST_DOMAIN_ID + 1), options.cameras)
    with hold(percent, options.signals) as held:
        middle = name, 'weak', ['held', str(held.folder), *words, *given]
        with ProcessPoolExecutor(options.cameras, mp_context=get_context('spawn')) as pool:
            runs = [
                pool.submit(measure_one, scene, middle, options.seconds, domain)
                for domain in domains
            ]
            time.sleep(START_S)
            held.begin()
            return [run.result() for run in runs]


def main() -> int:
    """Run the command line; returns the exit status."""
    if sys.argv[1:2] == ['held']:
        folder = Path(sys.argv[2])
        sys.argv[:3] = ['face_perception_node']
        run_held(folder)
        return 0
    options = parse_arguments()
    prepare_environment()
    scene = Scene(faces=options.faces, rate=options.rate, classifier_interval=2)
    print(f'{options.cameras} x {scene}; {" ".join(options.set) or "defaults"}')
    print(
        '| % of a core | results/s | p50 / p95 / p99, ms | dropped + lost | faces seen | '
        'CPU, % of a core | RSS, MB |'
    )
    print('|---|---|---|---|---|---|---|')
    try:
        for percent in options.percent:
            for seen in measure_held(scene, options, percent):
                dropped = f'{seen["drops"]} + {seen["lost"]}'
                print(
                    f'| {percent} | {seen["rate_processed"]:.1f} | {seen["p50_ms"]:.0f} / '
                    f'{seen["p95_ms"]:.0f} / {seen["p99_ms"]:.0f} | {dropped} of {seen["sent"]} | '
                    f'{seen["found"]:.2f} of {options.faces} | {seen["cpu_percent"]:.0f} | '
                    f'{seen["rss_mb"]:.0f} |',
                    flush=True,
                )
    except FacePerceptionError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    return 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n\n')[0])
    percent = number(int, 1, 100, 'a percentage')
    parser.add_argument('--percent', type=percent, nargs='+', default=[100, 50, 20, 10])
    parser.add_argument('--cameras', type=int, default=1, help='and nodes, on the same core')
    parser.add_argument('--faces', type=int, choices=(0, 1, 4, 8, 16), default=1)
    parser.add_argument('--rate', type=float, default=30.0, metavar='HZ')
    parser.add_argument('--seconds', type=float, default=20.0)
    parser.add_argument('--signals', action='store_true', help='hold them by signals, also as root')
    parser.add_argument(
        '--set', nargs='*', default=[], metavar='NAME:=VALUE', help="the node's parameters"
    )
    return parser.parse_args()


if __name__ == '__main__':
    sys.exit(ended(main))
