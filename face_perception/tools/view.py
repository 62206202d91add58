"""
Opens recorded results in the Rerun viewer.

As a command: ``face_perception_view demo_output``.  The viewer is a program of its own, in the
optional ``rerun-sdk``; it listens to this machine alone.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from ..console.arguments import Parser
from ..visuals.rerun_writer import RerunError, import_rerun

PROGRAM = 'face_perception_view'
#: Where the viewer listens for data and for browsers, if nobody else does.
DATA_PORT, WEB_PORT = 9876, 9090
LOCAL = '127.0.0.1'


def main(args: list[str] | None = None) -> int:
    """Become the viewer; return the process's exit code where that is not possible."""
    parser = Parser(prog=PROGRAM, description='Show results in the Rerun viewer.')
    parser.add_argument(
        'results',
        nargs='+',
        type=Path,
        metavar='RESULTS',
        help='.rrd files, or folders that have some, such as demo_output',
    )
    parser.add_argument(
        '--web', action='store_true', help='show them in a browser, which may be on another machine'
    )
    options = parser.parse_args(args)
    try:
        import_rerun()
        files = find_recordings(options.results)
        if not options.web:
            check_display()
    except RerunError as error:
        print(f'{PROGRAM}: {error}', file=sys.stderr)
        return 1
    # Its own log is for its developers.
    os.environ.setdefault('RUST_LOG', 'error')
    command = [*viewer(), '--bind', LOCAL]
    if options.web:
        data, web = free_port(DATA_PORT), free_port(WEB_PORT)
        command += ['--serve-web', '--port', str(data), '--web-viewer-port', str(web)]
        print(web_notice(data, web), flush=True)
    else:
        command += ['--port', 'auto']
    os.execv(command[0], [*command, *map(str, files)])


def viewer() -> list[str]:
    """Return the command that is the viewer."""
    spec = importlib.util.find_spec('rerun_cli')
    program = Path(spec.origin).with_name('rerun') if spec and spec.origin else None
    if program is not None and os.access(program, os.X_OK):
        # Not its front in Python, which a signal ends while the viewer itself lives on.
        return [str(program)]
    return [sys.executable, '-m', 'rerun_cli']


def find_recordings(results: Sequence[Path]) -> list[Path]:
    """Return the recordings that are meant by files and folders; raises ``RerunError``."""
    files: list[Path] = []
    for path in results:
        if path.is_dir():
            found = sorted(
                file
                for file in path.rglob('*.rrd')
                if not any(part.startswith('.') for part in file.relative_to(path).parts)
            )
            if not found:
                raise RerunError(
                    f"the folder '{path}' has no recording (.rrd): face_perception_demo --rerun "
                    'writes one'
                )
            files += found
        elif path.suffix != '.rrd':
            raise RerunError(f"'{path}' is no recording: give .rrd files, or folders with some")
        elif not path.is_file():
            raise RerunError(f"the file '{path}' does not exist")
        else:
            files.append(path)
    return list(dict.fromkeys(files))


def check_display() -> None:
    """Raise ``RerunError`` where no window can be opened."""
    if sys.platform == 'linux' and not any(
        os.environ.get(name) for name in ('DISPLAY', 'WAYLAND_DISPLAY')
    ):
        raise RerunError(
            'there is no display here: --web shows the results in a browser, also in one on '
            f'another machine; or copy the .rrd file to where a display is and run {PROGRAM} there'
        )


def web_notice(data_port: int, web_port: int) -> str:
    """Return what to do to see the results in a browser."""
    return (
        f'open http://{LOCAL}:{web_port}/?url=rerun%2Bhttp://{LOCAL}:{data_port}/proxy (Ctrl-C '
        f'ends)\nfrom another machine first: ssh -L {web_port}:{LOCAL}:{web_port} '
        f'-L {data_port}:{LOCAL}:{data_port} {socket.gethostname()}'
    )


def free_port(wanted: int) -> int:
    """Return ``wanted``, or another port where somebody listens on it already."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOCAL, port))
            except OSError:
                continue
            return probe.getsockname()[1]
    return wanted


if __name__ == '__main__':
    sys.exit(main())
