"""The whole in a real browser: a camera, the node, the viewer, and what is to be seen of them."""

import os
import time

import cv2
import numpy as np
import pytest

from support.browser import Browser, why_none
from support.program import Programs

pytest.importorskip('rerun', reason='needs rerun-sdk (the extra view): make test-view')
pytest.importorskip(
    'skimage', reason='needs scikit-image (the extra demo) for an image with a face'
)
if reason := why_none():
    pytest.skip(reason, allow_module_level=True)

from face_perception.core.detectors import make_detector  # noqa: E402
from face_perception.core.types import Box  # noqa: E402
from face_perception.visuals.boxes import COLORS  # noqa: E402

#: Seconds for the whole to start on a machine that has much else to do.
PATIENCE_S = 300


@pytest.fixture
def programs():
    programs = Programs()
    yield programs
    programs.end()


@pytest.fixture
def start(programs, tmp_path):
    """Start camera, node, or what else is a module of the package."""

    def start(name, module, *arguments):
        return programs.start(['-m', f'face_perception.{module}', *arguments], tmp_path, name)

    return start


@pytest.fixture
def browser(tmp_path):
    browser = Browser(tmp_path, (1280, 800))
    yield browser
    browser.close()


def drawn_boxes(page):
    """Return the boxes in the colour of an emotion that are drawn on a page."""
    found = []
    for color in COLORS.values():
        mask = (np.abs(page.astype(int) - color).max(axis=2) < 40).astype(np.uint8)
        for x, y, width, height, area in cv2.connectedComponentsWithStats(mask)[2][1:]:
            if area < 0.5 * width * height and min(width, height) > 20:  # a frame, not a bar
                found.append(Box(float(x), float(y), float(width), float(height)))
    return found


def overlap(a, b):
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    both = max(width, 0) * max(height, 0)
    return both / (a.width * a.height + b.width * b.height - both)


def wait_for_page(browser, condition, alive):
    """Look again and again until ``condition`` holds for what is shown; return that."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        page = browser.screenshot()
        if condition(page):
            return page
        assert time.monotonic() < deadline, 'what is in page.png was never as expected'
        for program in alive:
            assert program.alive(), program.log()
        time.sleep(0.3)


def test_the_sample_is_seen_live_with_a_box_where_its_face_is(start, browser, tmp_path):
    detector = make_detector('onnx', 640, None)

    def has_face_in_box(page):
        cv2.imwrite(str(tmp_path / 'page.png'), page)
        boxes = drawn_boxes(page)
        return any(overlap(face.box, box) > 0.5 for face in detector.detect(page) for box in boxes)

    alive = [
        start('camera', 'tools.camera.camera', '--rate', '5'),
        start('node', 'ros.node'),
    ]
    view = start('view', 'tools.view', '--live', '--web', '--raw', '--rate', '2')
    alive.append(view)
    view.wait_for_log('open http://')
    address = view.log().split()[1]
    browser.open(address)
    page = wait_for_page(browser, has_face_in_box, alive)
    # The sample's face moves, and so does what is shown of it.
    image = page[: len(page) // 2, : page.shape[1] // 2]

    def has_changed(later):
        later = later[: len(later) // 2, : later.shape[1] // 2]
        return np.abs(later.astype(int) - image).mean() > 2

    wait_for_page(browser, has_changed, alive)
    # A page that is opened again goes on.
    browser.open('about:blank')
    browser.open(address)
    wait_for_page(browser, has_face_in_box, alive)
    if path := os.environ.get('VIEW_PICTURE'):
        time.sleep(20)  # the plots fill
        page = wait_for_page(browser, has_face_in_box, alive)
        cv2.imwrite(path, page, [cv2.IMWRITE_JPEG_QUALITY, 85])
    assert view.stop(timeout=60) == 0
