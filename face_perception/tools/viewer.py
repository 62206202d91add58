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


def check_display(program: str) -> None:
    """Raise ``RerunError`` where no window can be opened."""
    if sys.platform == 'linux' and not any(
        os.environ.get(name) for name in ('DISPLAY', 'WAYLAND_DISPLAY')
    ):
        raise RerunError(
            'there is no display here: --web shows it in a browser, also in one on another '
            f'machine; or copy the .rrd file to where a display is and run {program} there'
        )


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
    # Its own log is for its developers.
    os.environ.setdefault('RUST_LOG', 'error')
    command = viewer()
    os.execv(command[0], [*command, *arguments])
