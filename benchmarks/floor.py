"""The least that a frame can cost: the bare networks, without anything around them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from face_perception import FacePipeline
from face_perception.core.detectors.letterbox import Letterbox
from face_perception.core.types import Box
from face_perception.tools.camera.pace import Pace


def networks(pipeline: FacePipeline, image: np.ndarray, boxes: Sequence[Box]) -> Callable[[], None]:
    """
    Return a call that runs the networks of ``pipeline`` once, on inputs prepared beforehand.

    That is the detector on the image shrunk as the pipeline does it, and each classifier on
    the faces at ``boxes``, with their mirror images where it wants them, in one batch.
    """
    detector = pipeline.networks.detector
    runs = [
        (
            detector.model.session,
            ['boxes', 'scores'],
            Letterbox(detector.model.input_multiple).put(image, detector.input_size),
        )
    ]
    if boxes:
        runs += [
            (
                classifier.model.session,
                ['probabilities'],
                classifier.images(classifier.batch(image, boxes)),
            )
            for classifier in pipeline.networks.classifiers.values()
        ]

    def run() -> None:
        for session, outputs, batch in runs:
            session.run(outputs, {'image': batch})

    return run


def paced_milliseconds(call: Callable[[], object], rate: float, seconds: float) -> float:
    """
    Return the median time of a call that is made ``rate`` times a second, in milliseconds.

    A camera leaves pauses in which caches are forgotten and the processor slows down: a call
    that follows such a pause takes longer than one of a tight loop.
    """
    pace, taken = Pace(rate), []
    call()
    for _ in range(max(round(rate * seconds), 5)):
        time.sleep(pace.delay())
        started = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - started))
    return float(np.median(taken))
