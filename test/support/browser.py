"""A headless Chromium, driven through ChromeDriver's own protocol (W3C WebDriver)."""

import base64
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request

import cv2
import numpy as np

#: As root and in a container, without a GPU, and without a word to anybody but the page's host.
FLAGS = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--use-angle=swiftshader',
    '--enable-unsafe-swiftshader',
    '--ignore-gpu-blocklist',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--hide-scrollbars',
    '--mute-audio',
]
NAMES = ('chromium', 'chromium-browser', 'google-chrome')


def why_none():
    """Return why no browser can be started here, or ``''``."""
    if not any(map(shutil.which, NAMES)):
        return 'needs Chromium (apt-get install chromium)'
    if not shutil.which('chromedriver'):
        return 'needs ChromeDriver (apt-get install chromium-driver)'
    return ''


class Browser:
    """
    One window of ``size`` pixels, with a profile of its own in ``folder``.

    ``before`` is a command that starts the browser, such as ``nice``.
    """

    def __init__(self, folder, size=(1280, 720), before=()):
        self._log = folder / 'chromedriver.log'
        with self._log.open('w') as log:
            # A group of its own, so that none of the browser's processes is left behind.
            self._driver = subprocess.Popen(
                [*before, shutil.which('chromedriver'), '--port=0', '--allowed-ips='],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            port = self._port()
            self._address = f'http://127.0.0.1:{port}/session'
            options = {
                'binary': next(filter(None, map(shutil.which, NAMES))),
                'args': [
                    *FLAGS,
                    f'--user-data-dir={folder / "profile"}',
                    f'--window-size={size[0]},{size[1]}',
                ],
            }
            capabilities = {'alwaysMatch': {'goog:chromeOptions': options}}
            session = self._ask('POST', '', {'capabilities': capabilities})
            self._address += '/' + session['sessionId']
        except BaseException:
            self.close()
            raise

    def _port(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            words = self._log.read_text().split()
            if 'port' in words and 'successfully' in words:
                return words[len(words) - words[::-1].index('port')].rstrip('.')
            time.sleep(0.05)
        raise AssertionError(self._log.read_text())

    def _ask(self, method, path, body=None):
        request = urllib.request.Request(
            self._address + path,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={'Content-Type': 'application/json'},
        )
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:
                return json.load(answer)['value']
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from None

    @property
    def pid(self):
        """Return the process that has all the browser's as descendants."""
        return self._driver.pid

    def open(self, address):
        """Go to a page."""
        self._ask('POST', '/url', {'url': address})

    def run(self, script):
        """Return what a function's body in JavaScript returns."""
        return self._ask('POST', '/execute/sync', {'script': script, 'args': []})

    def screenshot(self):
        """Return what the window shows, uint8 ``[H, W, 3]`` BGR."""
        data = base64.b64decode(self._ask('GET', '/screenshot'))
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)

    def close(self):
        """End the browser and all its processes."""
        try:
            if hasattr(self, '_address') and self._driver.poll() is None:
                self._ask('DELETE', '')
        except (AssertionError, OSError):
            pass
        finally:
            try:
                os.killpg(self._driver.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self._driver.wait()
