"""What the node is configured with: whole sets of parameters that fit together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..core.errors import FacePerceptionError
from ..core.settings import SETTINGS, PipelineSettings


@dataclass(frozen=True)
class QosSettings:
    """Reliability and depth of one direction."""

    reliability: str
    depth: int


@dataclass(frozen=True)
class NodeSettings:
    """What the node is configured with, read at once."""

    lazy: bool
    image_transport: str
    max_image_size: int
    no_image_timeout: float
    max_rate: float
    target_latency: float
    detector_min_input_size: int
    tracker_enabled: bool
    detections_enabled: bool
    annotations_enabled: bool
    humans_enabled: bool
    pipeline: PipelineSettings
    image_qos: QosSettings
    output_qos: QosSettings


def settings_from(values: Mapping[str, Any]) -> NodeSettings:
    """
    Return the settings that a whole set of values means.

    Each value has been checked by itself; raises ``FacePerceptionError`` where they do not fit
    together.
    """
    _check_together(values)

    pipeline = {name: values[setting.parameter] for name, setting in SETTINGS.items()}
    for task in ('emotion', 'gender'):
        if not values[f'{task}.enabled']:
            pipeline[f'{task}_model'] = ''
    return NodeSettings(
        lazy=values['lazy'],
        image_transport=values['image_transport'],
        max_image_size=values['max_image_size'],
        no_image_timeout=values['no_image_timeout'],
        max_rate=values['max_rate'],
        target_latency=values['target_latency'],
        detector_min_input_size=values['detector.min_input_size'],
        tracker_enabled=values['tracker.enabled'],
        detections_enabled=values['detections.enabled'],
        annotations_enabled=values['annotations.enabled'],
        humans_enabled=values['humans.enabled'],
        pipeline=PipelineSettings(**pipeline),
        image_qos=QosSettings(values['qos.image.reliability'], values['qos.image.depth']),
        output_qos=QosSettings(values['qos.output.reliability'], values['qos.output.depth']),
    )


def _check_together(values: Mapping[str, Any]) -> None:
    if not values['tracker.enabled']:
        if values['detector.interval'] > 1:
            raise FacePerceptionError(
                f"parameter 'detector.interval' is {values['detector.interval']}, but faces are "
                "not followed between images: set it to 1, or 'tracker.enabled' to true"
            )
        if values['humans.enabled']:
            raise FacePerceptionError(
                "parameter 'humans.enabled' is true, but faces have no identities: set it to "
                "false, or 'tracker.enabled' to true"
            )
    smallest, largest = values['detector.min_input_size'], values['detector.input_size']
    if values['target_latency'] > 0 and smallest > largest:
        raise FacePerceptionError(
            f"parameter 'detector.min_input_size' is {smallest}, more than "
            f"'detector.input_size', {largest}: target_latency then has nothing to choose from"
        )
