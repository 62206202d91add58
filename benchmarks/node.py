"""The node from camera process to subscriber process, beside its floors.  See README.md."""

from __future__ import annotations

import argparse
import itertools
import json
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from crowds import crowd
from floor import networks, paced_milliseconds
from machine import describe
from node_report import print_report
from plots import plot_node, plot_overload
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rig import ACTIVE, READY, Scene, measure, measure_idle, prepare_environment

from face_perception import FacePipeline
from face_perception.core.errors import FacePerceptionError

#: Every transport, number of faces and rate together is one case.
TRANSPORTS, FACES, RATES = (False, True), (1, 8), (10.0, 30.0, 60.0)
OVERLOAD = Scene(1280, 720, 60.0, 8)
IDLE = Scene()
#: Seconds that processes take to start, find each other, and end: for the progress bar only.
AROUND_S = 7.0


@dataclass(frozen=True)
class Plan:
    """How many seconds each measurement takes."""

    warm_up: float = 3.0
    case: float = 20.0
    floor: float = 10.0
    networks: float = 4.0
    overload: float = 120.0
    idle: float = 20.0

    def total(self, cases: int, echoes: int) -> float:
        """Return about how long everything takes."""
        around = AROUND_S + self.warm_up
        return (
            cases * (around + self.case + self.networks)
            + echoes * (around + self.floor)
            + (around + self.overload if self.overload else 0)
            + (2 * (around + self.idle) if self.idle else 0)
        )


QUICK = Plan(warm_up=1.0, case=3.0, floor=2.0, networks=0.5, overload=10.0, idle=4.0)


class Bench:
    """Runs the measurements one after the other, and says how far it is."""

    def __init__(self, plan: Plan, progress: Progress, total: float):
        self._plan, self._progress = plan, progress
        self._task = progress.add_task('', total=total)
        self._pipeline = FacePipeline.load()  # one thread, as the node's
        self._echoes: dict[Scene, dict] = {}

    def case(self, scene: Scene) -> dict:
        """Measure the node before a camera, and both of its floors."""
        plan = self._plan
        floor = self._step(f'networks: {scene}', plan.networks, lambda _: self._networks(scene))
        transport = self._echo(replace(scene, faces=1))
        seen = self._step(
            f'node: {scene}',
            AROUND_S + plan.warm_up + plan.case,
            lambda wait: measure(scene, scene.node, plan.warm_up, plan.case, wait),
        )
        overhead = seen['p50_ms'] - floor - transport['p50_ms']
        return {
            **seen,
            'networks_ms': floor,
            'transport_ms': transport['p50_ms'],
            'overhead_ms': overhead,
            'echo': transport,
        }

    def overload(self) -> dict:
        """Measure the node before a camera that is too fast for it."""
        plan = self._plan
        return self._step(
            f'overload: {OVERLOAD}',
            AROUND_S + plan.warm_up + plan.overload,
            lambda wait: measure(OVERLOAD, OVERLOAD.node, plan.warm_up, plan.overload, wait),
        )

    def idle(self) -> dict:
        """Measure what the node costs without subscribers, and a node that does nothing."""
        plan = self._plan
        around = AROUND_S + plan.warm_up + plan.idle
        node = self._step(
            'idle: node',
            around,
            lambda wait: measure_idle(IDLE, IDLE.node, ACTIVE, plan.warm_up, plan.idle, wait),
        )
        bare = self._step(
            'idle: bare rclpy node',
            around,
            lambda wait: measure_idle(
                IDLE, ('nothing', 'peers', ['nothing']), READY, plan.warm_up, plan.idle, wait
            ),
        )
        return {**node, 'bare': bare}

    def _networks(self, scene: Scene) -> float:
        image, _ = crowd(scene.faces, scene.width, scene.height)
        self._pipeline.reset()
        boxes = [face.box for face in self._pipeline(image).faces]
        return paced_milliseconds(
            networks(self._pipeline, image, boxes), scene.rate, self._plan.networks
        )

    def _echo(self, scene: Scene) -> dict:
        """Measure the bare transport, once for all scenes that send the same images."""
        if scene not in self._echoes:
            plan = self._plan
            seen = self._step(
                f'transport: {scene}',
                AROUND_S + plan.warm_up + plan.floor,
                lambda wait: measure(scene, scene.echo, plan.warm_up, plan.floor, wait),
            )
            self._echoes[scene] = {
                name: value for name, value in seen.items() if not isinstance(value, (list, dict))
            }
        return self._echoes[scene]

    def _step(self, name: str, seconds: float, run: Callable[[Callable[[], None]], object]):
        """Do one measurement that takes about so many seconds."""
        self._progress.update(self._task, description=name)
        begin, start = self._progress.tasks[0].completed, time.monotonic()

        def wait() -> None:
            time.sleep(0.2)
            done = begin + min(time.monotonic() - start, seconds)
            self._progress.update(self._task, completed=done)

        try:
            result = run(wait)
        except FacePerceptionError as error:
            # One process that did not start must not cost all that was measured before.
            self._progress.console.print(f'{name}: {error}; once more', highlight=False)
            result = run(wait)
        self._progress.update(self._task, completed=begin + seconds)
        return result


def main() -> int:
    """Run the command line; return the process's exit code."""
    options = parse_arguments()
    # Both signals end it alike, and with it its children.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    prepare_environment()
    try:
        options.output.mkdir(parents=True, exist_ok=True)
        run(options, QUICK if options.quick else Plan())
    except (FacePerceptionError, OSError) as error:
        print(f'benchmarks/node.py: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('benchmarks/node.py: interrupted, nothing was written', file=sys.stderr)
        return 130
    return 0


def run(options: argparse.Namespace, plan: Plan) -> None:
    """Measure everything, print the tables, and write the files."""
    scenes = [
        Scene(
            rate=rate,
            faces=faces,
            compressed=compressed,
            classifier_interval=options.classifier_interval,
        )
        for compressed, faces, rate in itertools.product(TRANSPORTS, options.faces, options.rates)
    ]
    plan = replace(plan, **{part: 0.0 for part in ('overload', 'idle') if options.cases_only})
    echoes = len({replace(scene, faces=1) for scene in scenes})
    measured = {'machine': describe(), 'quick': options.quick}
    # A slow refresh: the bar must not be among the things that are measured.
    columns = (TextColumn('{task.description}'), BarColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=Console(stderr=True), refresh_per_second=1, transient=True
    ) as progress:
        bench = Bench(plan, progress, plan.total(len(scenes), echoes))
        measured['cases'] = [bench.case(scene) for scene in scenes]
        measured['overload'] = bench.overload() if plan.overload else None
        measured['idle'] = bench.idle() if plan.idle else None
    starts = [case['startup_s'] for case in measured['cases']]
    measured['startup'] = {
        'p50_s': float(np.median(starts)),
        'most_s': max(starts),
        'starts': len(starts),
        'echo_p50_s': float(np.median([case['echo']['startup_s'] for case in measured['cases']])),
    }
    measured['targets'] = print_report(measured)
    write(measured, options.output)


def write(measured: dict, folder: Path) -> None:
    """Write numbers and plots."""
    files = ['node.json', 'node.png']
    (folder / 'node.json').write_text(json.dumps(measured, indent=1) + '\n')
    plot_node(measured['cases'], folder / 'node.png')
    if measured['overload']:
        files.append('overload.png')
        plot_overload(measured['overload'], folder / 'overload.png')
    print(f'written to {folder}: {", ".join(files)}')


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--quick', action='store_true', help='some seconds for each case: the numbers are rough'
    )
    parser.add_argument('--faces', type=int, nargs='+', choices=(0, 1, 4, 8, 16), default=FACES)
    parser.add_argument('--rates', type=float, nargs='+', default=RATES, metavar='HZ')
    parser.add_argument(
        '--classifier-interval',
        type=int,
        default=1,
        metavar='N',
        help='of the node in these cases; the bare networks have no such thing',
    )
    parser.add_argument('--cases-only', action='store_true', help='no overload and no idling')
    parser.add_argument(
        '--output',
        type=Path,
        default=Path('benchmarks_output'),
        metavar='DIR',
        help='where node.json, node.png and overload.png are written',
    )
    return parser.parse_args()


if __name__ == '__main__':
    sys.exit(main())
