"""What image libraries print does not flood the log, and nobody else's words are lost."""

import os
import threading

import cv2
import numpy as np

from face_perception.ros.library_words import LibraryWords


def test_the_words_of_libpng_are_kept_back_and_others_go_through(capfd):
    image = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)
    data = bytearray(cv2.imencode('.png', image)[1].tobytes())
    data[len(data) // 2] ^= 1
    words = LibraryWords()
    with words.kept() as said:
        cv2.imdecode(np.frombuffer(bytes(data), np.uint8), cv2.IMREAD_COLOR)
        thread = threading.Thread(target=os.write, args=(2, b'[INFO] somebody else\n'))
        thread.start()
        thread.join()
    os.write(2, b'afterwards\n')
    assert said and all(line.startswith('libpng') for line in said)
    assert capfd.readouterr().err == '[INFO] somebody else\nafterwards\n'
    with words.kept() as said:
        pass
    assert said == []


def test_a_closed_standard_error_is_no_hindrance():
    kept = os.dup(2)
    os.close(2)
    try:
        with LibraryWords().kept() as said:
            pass
    finally:
        os.dup2(kept, 2)
    assert said == []


def test_nothing_stays_open():
    before = len(os.listdir('/proc/self/fd'))
    for _ in range(20):
        with LibraryWords().kept():
            pass
    assert len(os.listdir('/proc/self/fd')) <= before + 1
