"""The tables of node.py, and how far the targets are."""

from __future__ import annotations

from collections.abc import Iterator

from timing import show

#: Latency that grows by more than this share from the first quarter to the last is not flat.
FLAT = 0.1


def print_report(measured: dict) -> list[dict]:
    """Print everything as tables; return the targets with what was measured."""
    cases, overload, idle = (measured[name] for name in ('cases', 'overload', 'idle'))
    print_cases(cases)
    if overload:
        quarters = ' | '.join(f'{value:.1f}' for value in overload['quarters_ms'])
        print(
            f'Overload, {overload["width"]}x{overload["height"]} at {overload["rate"]:g} Hz, '
            f'{overload["faces"]} faces, {overload["seconds"]:.0f} s: p50 of each quarter '
            f'{quarters} ms; {overload["rate_processed"]:.1f} results per second, '
            f'{overload["drops"]} of {overload["sent"]} images dropped, {overload["lost"]} lost '
            f'on their way, {overload["cpu_percent"]:.0f} % of a core, '
            f'RSS {overload["rss_mb"]:.0f} MB'
        )
    if idle:
        print(
            f'Idle, nobody subscribes: {idle["cpu_percent"]:.1f} % of a core, RSS '
            f'{idle["rss_mb"]:.0f} MB ({idle["shared_mb"]:.0f} shared); a node that does '
            f'nothing: {idle["bare"]["cpu_percent"]:.1f} %, {idle["bare"]["rss_mb"]:.0f} MB '
            f'({idle["bare"]["shared_mb"]:.0f} shared)'
        )
    startup = measured['startup']
    print(
        f'Start of the process to the first result: median {startup["p50_s"]:.2f} s, at most '
        f'{startup["most_s"]:.2f} s in {startup["starts"]} starts; a process that only echoes: '
        f'{startup["echo_p50_s"]:.2f} s\n'
    )
    targets = list(find_targets(measured))
    show(
        'Targets',
        ['what', 'target', 'measured', ''],
        [
            [
                target['what'],
                f'at most {target["most"]:g} {target["unit"]}',
                f'{target["measured"]:.1f} {target["unit"]}',
                verdict(target),
            ]
            for target in targets
        ],
    )
    return targets


def print_cases(cases: list[dict]) -> None:
    """Print the latency of each case beside its floors, and what it costs."""
    show(
        'End to end, camera process to subscriber process, VGA, ms',
        [
            'images',
            'Hz',
            'faces',
            'found',
            'p50',
            'p95',
            'p99',
            'bare transport',
            'bare networks',
            'node overhead',
            'p50 / (transport + networks)',
        ],
        [
            [
                *_key(case),
                f'{case["found"]:.1f}',
                f'{case["p50_ms"]:.1f}',
                f'{case["p95_ms"]:.1f}',
                f'{case["p99_ms"]:.1f}',
                f'{case["transport_ms"]:.1f}',
                f'{case["networks_ms"]:.1f}',
                f'{case["overhead_ms"]:.1f}',
                f'{case["p50_ms"] / (case["transport_ms"] + case["networks_ms"]):.2f}',
            ]
            for case in cases
        ],
    )
    stages = list(cases[0]['stages_ms'])
    show(
        'What the node costs, and its own account of its time (medians, ms)',
        [
            'images',
            'Hz',
            'faces',
            'results/s',
            'dropped',
            'lost',
            'CPU %',
            'RSS MB (shared)',
            *stages,
            'processing',
        ],
        [
            [
                *_key(case),
                f'{case["rate_processed"]:.1f}',
                str(case['drops']),
                str(case['lost']),
                f'{case["cpu_percent"]:.0f}',
                f'{case["rss_mb"]:.0f} ({case["shared_mb"]:.0f})',
                *(f'{case["stages_ms"][stage]:.2f}' for stage in stages),
                f'{case["processing_ms"]:.2f}',
            ]
            for case in cases
        ],
        width=150,
    )
    print(
        'transport there is from the stamp until the node takes the image up: where images '
        'are dropped,\nit and the node overhead hold the time that an image waits for the one '
        'before.'
    )


def _key(case: dict) -> list[str]:
    return ['jpeg' if case['compressed'] else 'raw', f'{case["rate"]:g}', str(case['faces'])]


def find_targets(measured: dict) -> Iterator[dict]:
    """Give each target that was measured: what, the most it may be, and what it is."""
    cases = measured['cases']
    for case in cases:
        if (case['compressed'], case['rate'], case['faces']) == (False, 30.0, 1):
            yield _target('VGA 30 Hz, 1 face: end to end, p50', 10, case['p50_ms'], 'ms')
            yield _target('VGA 30 Hz, 1 face: end to end, p99', 25, case['p99_ms'], 'ms')
            yield _target('VGA 30 Hz, 1 face: node', 40, case['cpu_percent'], '% of a core')
            yield _target('VGA 30 Hz, 1 face: node overhead, p50', 2, case['overhead_ms'], 'ms')
        if (case['compressed'], case['rate'], case['faces']) == (False, 30.0, 8):
            pipeline = sum(case['stages_ms'][name] for name in ('detect', 'track', 'classify'))
            yield _target('VGA 30 Hz, 8 faces: pipeline in the node', 12, pipeline, 'ms')
            yield _target('VGA 30 Hz, 8 faces: node overhead, p50', 2, case['overhead_ms'], 'ms')
    if measured['idle']:
        yield _target('idle', 2, measured['idle']['cpu_percent'], '% of a core')
        yield _target('idle: RSS', 150, measured['idle']['rss_mb'], 'MB')
    if measured['overload']:
        first, *_, last = measured['overload']['quarters_ms']
        yield _target(
            'overload: p50 grows from first to last quarter',
            100 * FLAT,
            100 * (last / first - 1),
            '%',
        )
    yield _target(
        'RSS, the most of all cases',
        200,
        max(case['peak_rss_mb'] for case in [*cases, *filter(None, [measured['overload']])]),
        'MB',
    )
    yield _target('start to first result, median', 2, measured['startup']['p50_s'], 's')


def _target(what: str, most: float, measured: float, unit: str) -> dict:
    return {'what': what, 'most': most, 'measured': measured, 'unit': unit, 'met': measured <= most}


def verdict(target: dict) -> str:
    """Say whether a target is met, or by how much it is missed."""
    if target['met']:
        return 'met'
    return f'missed by {target["measured"] - target["most"]:.1f} {target["unit"]}'
