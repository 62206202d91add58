"""
Shows the parameters of running nodes, and changes several of them together.

As a command: ``face_perception_tune`` lists them and, in a terminal, asks what to change;
``face_perception_tune detector.max_rate=10 classifier.max_rate=5`` does it at once.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from rclpy.executors import Executor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from ...console.arguments import Parser
from ...ros.start import begin, finish
from ..found import NONE_FOUND, find_nodes
from ..ros_program import run_program, steady_executor, warn
from .listing import described, listed, text_of
from .remote import FOUND_S, RemoteNode, TuneError, read_changes

PROGRAM = 'face_perception_tune'
#: Seconds after which no further node is waited for. Fast DDS tells of itself every 3 s; what it
#: says more often at first may be lost, and a node that is missed would not be asked about.
OTHERS_S = 4.0
HELP = (
    'name=value [name=value ...] sets these together; a word lists those that have\n'
    'it in their name, a whole name says all about it; Enter lists all; Ctrl-D ends'
)


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Read the command line without its ROS part; exits with code 2 on a mistake."""
    parser = Parser(
        prog=PROGRAM,
        description='Show the parameters of running nodes that can be changed, and change them. '
        'What is given together is set together, or refused together by the node.',
    )
    parser.add_argument(
        'changes',
        nargs='*',
        metavar='NAME=VALUE',
        help='what to set; without, all are listed and a terminal is asked what to change',
    )
    parser.add_argument(
        '--node',
        action='append',
        metavar='NAME',
        help='the full name of a node, such as /left/face_perception; may be given several times '
        '(default: all that are found; to change something, the one that is found)',
    )
    return parser.parse_args(arguments)


def main(args: list[str] | None = None) -> int:
    """Run until all is set, or the user ends it; return the process's exit code."""
    return run_program(PROGRAM, args, parse_arguments, run)


def run(arguments: list[str], options: argparse.Namespace) -> int:
    """List or set parameters; return 1 where a node refused."""
    node = begin(
        arguments,
        lambda: Node('face_perception_tune', start_parameter_services=False),
        SignalHandlerOptions.NO,
    )
    executor = steady_executor(PROGRAM)
    executor.add_node(node)
    try:
        names = options.node or found(node, executor)
        nodes = [RemoteNode(node, executor, name) for name in dict.fromkeys(names)]
        if options.changes:
            return change(nodes, options.changes, chosen=bool(options.node))
        terminal = sys.stdin.isatty() and sys.stdout.isatty()
        print(listed({each.name: each.read() for each in nodes}, '', width(terminal)), flush=True)
        return ask(nodes, chosen=bool(options.node)) if terminal else 0
    finally:
        finish(executor, node)


def found(node: Node, executor: Executor) -> list[str]:
    """Return the names of the nodes that run; raises ``TuneError`` where there is none."""
    last = start = time.monotonic()
    names: list[str] = []
    while not names or time.monotonic() - last < OTHERS_S:
        executor.spin_once(timeout_sec=0.1)
        if (now := find_nodes(node)) != names:
            names, last = now, time.monotonic()
        elif not names and time.monotonic() - start > FOUND_S:
            raise TuneError(
                f'no node was found: {NONE_FOUND}; another kind of node is named with --node'
            )
    return names


def change(nodes: Sequence[RemoteNode], words: Sequence[str], chosen: bool) -> int:
    """Set what ``words`` say on each node; return 1 where one refused."""
    if len(nodes) > 1 and not chosen:
        names = ', '.join(node.name for node in nodes)
        raise TuneError(f'{len(nodes)} nodes run ({names}): say with --node which to change')
    # All is read before anything is set, so that a mistake changes nothing anywhere.
    before = {node.name: node.read() for node in nodes}
    changes = {node.name: read_changes(words, before[node.name]) for node in nodes}
    code = 0
    for node in nodes:
        if reason := node.set(changes[node.name]):
            warn(PROGRAM, f'{node.name} refused, and nothing was changed there: {reason}')
            code = 1
            continue
        after = node.read()
        for name in changes[node.name]:
            old, new = (text_of(values[name].value) for values in (before[node.name], after))
            print(f'{node.name}: {name} is {new} (was {old})', flush=True)
    return code


def ask(nodes: Sequence[RemoteNode], chosen: bool) -> int:
    """Ask the user of a terminal what to change until there is nothing more; return 0."""
    complete(sorted(set().union(*(node.read() for node in nodes))))
    print(HELP)
    while True:
        try:
            words = shlex.split(input('> '))
        except EOFError:
            print()
            return 0
        except ValueError as error:  # a quotation mark without its other
            warn(PROGRAM, f'{error}: close it, or leave it out')
            continue
        try:
            if words and all('=' in word for word in words):
                change(nodes, words, chosen)
                continue
            known = {node.name: node.read() for node in nodes}
            if len(words) == 1 and any(words[0] in of_node for of_node in known.values()):
                print(described(known, words[0], width(terminal=True)))
            else:
                print(listed(known, ' '.join(words), width(terminal=True)))
        except TuneError as error:
            warn(PROGRAM, str(error))


def complete(names: Sequence[str]) -> None:
    """Let the tabulator complete names, where the terminal's library is there."""
    with suppress(ImportError):
        import readline

        readline.set_completer_delims(' ')
        readline.set_completer(
            lambda text, state: [*(f'{name}=' for name in names if name.startswith(text)), None][
                state
            ]
        )
        readline.parse_and_bind('tab: complete')


def width(terminal: bool) -> int | None:
    """Return how many characters a line may have, None for any number."""
    return shutil.get_terminal_size().columns if terminal else None


if __name__ == '__main__':
    sys.exit(main())
