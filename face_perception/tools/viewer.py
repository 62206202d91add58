"""The viewer, a program of its own in the optional ``rerun-sdk``, and where it listens."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..visuals.rerun_writer import RerunError

#: Where the viewer listens for data and for browsers, if nobody else does.
DATA_PORT, WEB_PORT = 9876, 9090
LOCAL = '127.0.0.1'
#: Addresses that mean all networks of a machine.
EVERYWHERE = ('0.0.0.0', '::')
#: What Rerun logs at least, here and in the viewer. The rest is for its developers, and what cannot
#: be sent any more to a viewer that was closed is no fault.
LOG = 'error,re_sdk=off,re_grpc_client=off'
#: Seconds that a display on another machine gets to answer.
DISPLAY_S = 2.0


@dataclass(frozen=True)
class Address:
    """Where a viewer listens: the address it binds, and the name by which it is reached."""

    bind: str
    name: str
    data_port: int
    web_port: int

    @property
    def data(self) -> str:
        """Return where a program of this machine sends what is to be seen."""
        host = LOCAL if self.bind in EVERYWHERE else self.bind
        return f'rerun+http://{host}:{self.data_port}/proxy'

    @property
    def page(self) -> str:
        """Return what to open in a browser."""
        return (
            f'http://{self.name}:{self.web_port}/'
            f'?url=rerun%2Bhttp://{self.name}:{self.data_port}/proxy'
        )

    def notice(self) -> str:
        """Return what to do to look in a browser, and who else can."""
        text = f'open {self.page} (Ctrl-C ends)'
        if self.bind != LOCAL:
            return (
                f'{text}\nwhoever reaches {self.name} sees it too: there is no password and no '
                'encryption, so use --host on a network of yours alone'
            )
        web, data = self.web_port, self.data_port
        return (
            f'{text}\nfrom another machine first: ssh -L {web}:{LOCAL}:{web} '
            f'-L {data}:{LOCAL}:{data} {socket.gethostname()}'
        )


def listen_at(host: str) -> Address:
    """Return where to listen on ``host``; raises ``RerunError`` for an address of others."""
    try:
        with socket.socket() as probe:
            probe.bind((host, 0))
    except OSError as error:
        raise RerunError(
            f'--host {host} cannot be listened at ({error.strerror or error}): give an IPv4 '
            'address of this machine, or 0.0.0.0 for all of them'
        ) from None
    name = _own_address() if host in EVERYWHERE else host
    return Address(host, name, free_port(DATA_PORT, host), free_port(WEB_PORT, host))


def _own_address() -> str:
    """Return the address by which the network knows this machine; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(('192.0.2.1', 9))
            return probe.getsockname()[0]
        except OSError:
            return socket.gethostname()


def web_arguments(address: Address) -> list[str]:
    """Return the viewer's arguments for browsers."""
    arguments = ['--bind', address.bind, '--serve-web', '--port', str(address.data_port)]
    arguments += ['--web-viewer-port', str(address.web_port)]
    if address.bind != LOCAL:
        # A page of another address may not read the data, whatever a browser is led to.
        for name in dict.fromkeys((address.name, socket.gethostname())):
            arguments += ['--cors-allow-origin', f'http://{name}:{address.web_port}']
    return arguments


def viewer() -> list[str]:
    """Return the command that is the viewer."""
    spec = importlib.util.find_spec('rerun_cli')
    program = Path(spec.origin).with_name('rerun') if spec and spec.origin else None
    if program is not None and os.access(program, os.X_OK):
        # Not its front in Python, which a signal ends while the viewer itself lives on.
        return [str(program)]
    return [sys.executable, '-m', 'rerun_cli']


def quieten() -> None:
    """Let Rerun keep to itself what is no user's concern; before it is imported."""
    os.environ.setdefault('RUST_LOG', LOG)


def check_display(program: str) -> None:
    """Raise ``RerunError`` where no window can be opened."""
    if sys.platform != 'linux' or _wayland_answers() or _x_answers():
        return
    named = [name for name in ('WAYLAND_DISPLAY', 'DISPLAY') if os.environ.get(name)]
    where = ' and '.join(f'{name}={os.environ[name]}' for name in named)
    raise RerunError(
        (f'the display does not answer ({where})' if named else 'there is no display here')
        + ': --web shows it in a browser, also in one on another machine; or copy the .rrd file to '
        f'where a display is and run {program} there'
    )


def _wayland_answers() -> bool:
    name = os.environ.get('WAYLAND_DISPLAY', '')
    return bool(name) and _answers(os.path.join(os.environ.get('XDG_RUNTIME_DIR', ''), name))


def _x_answers() -> bool:
    """Return whether an X server listens at ``DISPLAY``, such as ``:0`` or ``localhost:10.0``."""
    host, colon, rest = os.environ.get('DISPLAY', '').rpartition(':')
    number = rest.partition('.')[0]
    if not colon or not number.isdecimal():
        return False
    if host in ('', 'unix'):
        path = f'/tmp/.X11-unix/X{number}'
        return _answers(path) or _answers(f'\0{path}')
    try:
        socket.create_connection((host, 6000 + int(number)), DISPLAY_S).close()
    except (OSError, OverflowError):
        return False
    return True


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def free_port(wanted: int, host: str = LOCAL) -> int:
    """Return ``wanted``, or another port where somebody listens on it already."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return probe.getsockname()[1]
    return wanted


def become_viewer(arguments: Sequence[str]) -> None:
    """Let the viewer take this process's place."""
    command = viewer()
    os.execv(command[0], [*command, *arguments])
