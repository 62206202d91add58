"""The node's parameters: one table of names, defaults, meanings and limits."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
)
from rclpy.node import Node

from ..core.settings import DEFAULTS, SETTINGS, Setting
from ..core.text import value as shown
from .model_folders import ModelFolders

Value = bool | int | float | str
RELIABILITIES = ('best_effort', 'reliable')
TYPE_NAMES = {
    bool: 'true or false',
    int: 'an integer',
    float: 'a number with a decimal point',
    str: 'a string',
}


@dataclass(frozen=True)
class Parameter:
    """One parameter: what it means and which values it takes."""

    name: str
    default: Value
    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    #: Part of the node's structure: it stays as it was when the node was configured.
    structural: bool = False
    #: Stays for good as it was when the node started: no request changes it.
    fixed: bool = False

    def descriptor(self) -> ParameterDescriptor:
        """Return what `ros2 param describe` shows."""
        descriptor = ParameterDescriptor(
            name=self.name, description=self.description, read_only=self.fixed
        )
        constraints = [f'one of {", ".join(self.choices)}'] if self.choices else []
        if self.structural:
            # Not read_only: rclpy would refuse to mend a faulty value before configuring, too.
            constraints.append('read-only while the node is configured')
        if self.fixed:
            constraints.append('can be set at the start only')
        descriptor.additional_constraints = '; '.join(constraints)
        if self.minimum is not None and self.maximum is not None:
            if isinstance(self.default, int):
                # A step of 1 excludes none, and is that of the arrow keys in rqt_reconfigure. One
                # of numbers would exclude most of them, such as a default that lies between.
                descriptor.integer_range = [
                    IntegerRange(from_value=int(self.minimum), to_value=int(self.maximum), step=1)
                ]
            else:
                descriptor.floating_point_range = [
                    FloatingPointRange(from_value=self.minimum, to_value=self.maximum)
                ]
        return descriptor

    def fault(self, value: object) -> str:
        """Return why ``value`` cannot be used and what can, or ``''``."""
        kind = type(self.default)
        if type(value) is not kind:
            return f"parameter '{self.name}' is {shown(repr(value))}: give {TYPE_NAMES[kind]}"
        if remedy := Setting(self.name, '', self.minimum, self.maximum, self.choices).remedy(value):
            return f"parameter '{self.name}' is {shown(repr(value))}: {remedy}"
        return ''


def _of_pipeline(name: str) -> Parameter:
    """Return the parameter of a setting of the pipeline's."""
    setting = SETTINGS[name]
    return Parameter(
        setting.parameter,
        DEFAULTS[name],
        f'{setting.help[0].upper()}{setting.help[1:]}.',
        setting.minimum,
        setting.maximum,
        setting.choices,
    )


PARAMETERS = (
    Parameter(
        'autostart',
        True,
        'Configure and activate at start; false leaves that to a lifecycle manager.',
        structural=True,
    ),
    Parameter(
        'model_directories',
        '',
        'Folders, separated by colons, from which parameters may name model files while the node '
        "runs, besides the package's own and those of the files named at its start.",
        fixed=True,
    ),
    Parameter(
        'read_only_parameters',
        False,
        'Refuse all changes of parameters from the start on.',
        fixed=True,
    ),
    Parameter('lazy', True, 'Subscribe to the images only while somebody subscribes to an output.'),
    Parameter(
        'image_transport',
        'raw',
        "'raw' subscribes to image (sensor_msgs/Image), 'compressed' to image/compressed "
        '(sensor_msgs/CompressedImage).',
        choices=('raw', 'compressed'),
    ),
    Parameter(
        'max_image_size', 4096, 'Longest side of an image that is accepted, in pixels.', 16, 65536
    ),
    Parameter(
        'no_image_timeout',
        5.0,
        'Seconds without an image after which the node says so.',
        0.5,
        3600.0,
    ),
    Parameter(
        'max_rate', 0.0, 'Images per second that are processed at most; 0 is no limit.', 0.0, 1000.0
    ),
    Parameter(
        'target_latency',
        0.0,
        "Seconds from an image's receipt to its faces that are held by shrinking images "
        'further for detection, down to detector.min_input_size; 0 is off.',
        0.0,
        10.0,
    ),
    _of_pipeline('max_faces'),
    _of_pipeline('num_threads'),
    _of_pipeline('detector_type'),
    _of_pipeline('detector_input_size'),
    Parameter(
        'detector.min_input_size',
        160,
        'The smallest detector.input_size that target_latency may choose, in pixels.',
        64,
        4096,
    ),
    _of_pipeline('detector_model'),
    _of_pipeline('detector_score_threshold'),
    _of_pipeline('detector_interval'),
    _of_pipeline('detector_max_rate'),
    Parameter(
        'tracker.enabled', True, 'Follow faces from image to image: track ids and steady labels.'
    ),
    _of_pipeline('tracker_max_age'),
    _of_pipeline('tracker_faint_share'),
    _of_pipeline('tracker_confirmations'),
    _of_pipeline('smoothing_time_constant'),
    _of_pipeline('classifier_interval'),
    _of_pipeline('classifier_max_rate'),
    Parameter('emotion.enabled', True, 'Classify emotion.'),
    _of_pipeline('emotion_model'),
    _of_pipeline('emotion_min_confidence'),
    Parameter('gender.enabled', True, 'Classify gender.'),
    _of_pipeline('gender_model'),
    _of_pipeline('gender_min_confidence'),
    Parameter(
        'detections.enabled',
        False,
        'Publish vision_msgs/Detection2DArray on ~/detections.',
        structural=True,
    ),
    Parameter(
        'annotations.enabled',
        False,
        'Publish foxglove_msgs/ImageAnnotations on ~/annotations.',
        structural=True,
    ),
    Parameter(
        'humans.enabled',
        False,
        'Publish the faces under /humans/faces as REP-155 says (hri_msgs).',
        structural=True,
    ),
    Parameter(
        'qos.image.reliability',
        'best_effort',
        "Of the image subscription. 'best_effort' matches every camera; 'reliable' only "
        'reliable ones.',
        choices=RELIABILITIES,
    ),
    Parameter('qos.image.depth', 1, 'Images that may wait in the middleware.', 1, 100),
    Parameter(
        'qos.output.reliability',
        'reliable',
        'Of all publishers. Reliable publishers match every subscriber.',
        choices=RELIABILITIES,
        structural=True,
    ),
    Parameter(
        'qos.output.depth',
        1,
        'Messages kept for a slow reliable subscriber.',
        1,
        1000,
        structural=True,
    ),
)

#: How other nodes take the quality of service, and that of the topics of ROS itself, which a file
#: for all nodes may name.
OVERRIDES = 'qos_overrides.'
OVERRIDES_OF_ROS = tuple(
    f'{OVERRIDES}/{topic}.' for topic in ('clock', 'parameter_events', 'rosout', 'tf', 'tf_static')
)
#: Those that name a file.
MODELS = ('detector.model', 'emotion.model', 'gender.model')
PARAMETERS_BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}


def declare_parameters(node: Node) -> dict[str, str]:
    """
    Declare the parameters on ``node``.

    Returns the faults in what the user gave, by parameter name.  A faulty value is replaced
    by the default, so that the node lives, can say what is wrong, and can be mended.
    """
    faults = {}
    # rclpy keeps what the user gave here and ignores the keys that nobody declares.
    overrides = {name: given.value for name, given in node._parameter_overrides.items()}
    for parameter in PARAMETERS:
        fault = parameter.fault(overrides.get(parameter.name, parameter.default))
        node.declare_parameter(
            parameter.name, parameter.default, parameter.descriptor(), ignore_override=bool(fault)
        )
        if fault:
            faults[parameter.name] = fault + ('; start the node again' if parameter.fixed else '')
    for name in overrides:
        if not node.has_parameter(name) and not name.startswith(OVERRIDES_OF_ROS):
            faults[name] = f'{unknown(name)}; start the node again without it'
    return faults


def unknown(name: str) -> str:
    """Return a sentence about a parameter that does not exist, and which one may be meant."""
    close = difflib.get_close_matches(name, PARAMETERS_BY_NAME, 1)
    if name.startswith(OVERRIDES):
        hint = 'the quality of service is that of qos.image.* and qos.output.*'
    elif close:
        hint = f"did you mean '{close[0]}'?"
    else:
        hint = '`ros2 param list` or docs/parameters.md names those that exist'
    return f"parameter '{shown(name)}' does not exist: {hint}"


def request_fault(node: Node, name: str, given: object) -> str:
    """Return why a request cannot give the parameter ``name`` of ``node`` a value, or ``''``."""
    parameter = PARAMETERS_BY_NAME.get(name)
    if parameter is None:
        return '' if node.has_parameter(name) else unknown(name)
    if parameter.fixed:
        return f"parameter '{name}' can be set at the start only: start the node again with it"
    return parameter.fault(given)


def model_folders(node: Node) -> ModelFolders:
    """Return where model files may come from, as the start of ``node`` said."""
    directories, *models = (
        str(node.get_parameter(name).value) for name in ('model_directories', *MODELS)
    )
    return ModelFolders(directories, models)


def read_values(node: Node) -> dict[str, Value]:
    """Return the present values of the declared parameters."""
    return {parameter.name: node.get_parameter(parameter.name).value for parameter in PARAMETERS}
