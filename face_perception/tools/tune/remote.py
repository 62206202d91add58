"""The parameters of another node: what they are, what they may be, and to set them together."""

from __future__ import annotations

import difflib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import rclpy
from rcl_interfaces.msg import Parameter, ParameterDescriptor, ParameterType, ParameterValue
from rcl_interfaces.srv import (
    DescribeParameters,
    GetParameters,
    ListParameters,
    SetParametersAtomically,
)
from rclpy.client import Client
from rclpy.executors import Executor
from rclpy.node import Node
from rclpy.task import Future

from ...core.errors import FacePerceptionError
from ...core.text import one_line
from ...core.text import value as shown
from ..found import full_name

Value = bool | int | float | str
#: Seconds that a node gets to be found, and to answer; it loads models before it answers.
FOUND_S, ANSWER_S = 10.0, 60.0
#: Seconds after which is asked again: a node that has just been found may lose its first answer.
AGAIN_S = 5.0
#: The field of a ParameterValue, and what to give for it in words.
KINDS = {
    ParameterType.PARAMETER_BOOL: ('bool_value', 'true or false'),
    ParameterType.PARAMETER_INTEGER: ('integer_value', 'an integer'),
    ParameterType.PARAMETER_DOUBLE: ('double_value', 'a number'),
    ParameterType.PARAMETER_STRING: ('string_value', 'a string'),
}


class TuneError(FacePerceptionError):
    """A parameter cannot be asked for or set."""


@dataclass(frozen=True)
class Known:
    """A parameter that can be changed, as its node describes it."""

    descriptor: ParameterDescriptor
    value: Value

    @property
    def name(self) -> str:
        """Return its name."""
        return self.descriptor.name

    def takes(self) -> str:
        """Return which values it takes, as its descriptor says."""
        words = []
        for limits in (*self.descriptor.integer_range, *self.descriptor.floating_point_range):
            words.append(f'{limits.from_value} to {limits.to_value}')
            if limits.step and not (limits.step == 1 and self.descriptor.integer_range):
                words.append(f'in steps of {limits.step}')
        constraints = one_line(self.descriptor.additional_constraints)
        if not words and not (constraints and isinstance(self.value, str)):
            words.append(KINDS[self.descriptor.type][1])
        return '; '.join([*words, *filter(None, [constraints])])


class RemoteNode:
    """A running node, whose parameters are read and set through its services."""

    def __init__(self, node: Node, executor: Executor, name: str):
        """
        Ask through ``node``, which ``executor`` has, the node with the full name ``name``.

        Raises ``NodeNameError`` for what no node can be called.
        """
        self.name = full_name(name)
        self._executor = executor
        self._clients: dict[type, Client] = {
            kind: node.create_client(kind, f'{self.name}/{service}')
            for kind, service in (
                (ListParameters, 'list_parameters'),
                (DescribeParameters, 'describe_parameters'),
                (GetParameters, 'get_parameters'),
                (SetParametersAtomically, 'set_parameters_atomically'),
            )
        }

    def read(self) -> dict[str, Known]:
        """Return what can be changed now or after a cleanup, by name; raises ``TuneError``."""
        names = self._ask(ListParameters, ListParameters.Request()).result.names
        descriptors = self._ask(
            DescribeParameters, DescribeParameters.Request(names=names)
        ).descriptors
        values = self._ask(GetParameters, GetParameters.Request(names=names)).values
        return {
            descriptor.name: Known(descriptor, getattr(value, KINDS[value.type][0]))
            for descriptor, value in zip(descriptors, values)
            if value.type in KINDS and not descriptor.read_only
        }

    def set(self, values: Mapping[str, ParameterValue]) -> str:
        """Set all of ``values`` or none; return why they were refused, or ``''``."""
        parameters = [Parameter(name=name, value=value) for name, value in values.items()]
        request = SetParametersAtomically.Request(parameters=parameters)
        result = self._ask(SetParametersAtomically, request).result
        if result.successful:
            return ''
        return one_line(result.reason) or 'the node gives no reason'

    def _ask(self, kind, request):
        client = self._clients[kind]
        self._spin_until(client.service_is_ready, FOUND_S)
        if not client.service_is_ready():
            raise TuneError(
                f"there is no node '{shown(self.name)}' with parameters: `face_perception_tune` "
                'alone lists the nodes that run, --node takes full names such as '
                '/left/face_perception, and ROS_DOMAIN_ID has to be that of the node'
            )
        deadline = time.monotonic() + ANSWER_S
        futures = []
        while rclpy.ok() and (left := deadline - time.monotonic()) > 0:
            futures.append(client.call_async(request))
            self._spin_until(lambda: any(map(Future.done, futures)), min(AGAIN_S, left))
            for future in filter(Future.done, futures):
                return future.result()
        raise TuneError(
            f"the node '{self.name}' does not answer: it is stopped, or has more to do than it can"
        )

    def _spin_until(self, condition, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while rclpy.ok() and not condition() and time.monotonic() < deadline:
            self._executor.spin_once(timeout_sec=0.05)


def read_changes(words: Iterable[str], known: Mapping[str, Known]) -> dict[str, ParameterValue]:
    """Return the values that texts such as ``max_rate=10`` mean; raises ``TuneError``."""
    changes: dict[str, ParameterValue] = {}
    for word in words:
        name, equals, text = word.partition('=')
        if not equals:
            raise TuneError(f"'{shown(word)}' is no change: give name=value, such as max_rate=10")
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean '{close[0]}'?" if close else 'without arguments all are listed'
            raise TuneError(f"no parameter '{shown(name)}' can be changed: {hint}")
        if name in changes:
            raise TuneError(f"parameter '{name}' is given twice: give it once")
        changes[name] = _value(text, known[name])
    return changes


def _value(text: str, known: Known) -> ParameterValue:
    kind = known.descriptor.type
    field, wanted = KINDS[kind]
    try:
        value = {
            ParameterType.PARAMETER_BOOL: lambda: {'true': True, 'false': False}[text.lower()],
            ParameterType.PARAMETER_INTEGER: lambda: _integer(text),
            ParameterType.PARAMETER_DOUBLE: lambda: float(text),
            ParameterType.PARAMETER_STRING: lambda: text.encode().decode(),
        }[kind]()
        return ParameterValue(type=kind, **{field: value})
    except (KeyError, ValueError):
        raise TuneError(
            f"parameter '{known.name}' cannot be '{shown(text)}': give {wanted} ({known.takes()})"
        ) from None


def _integer(text: str) -> int:
    value = int(text)
    if not -(2**63) <= value < 2**63:
        raise ValueError('a message has no place for it')
    return value
