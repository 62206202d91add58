"""Parameters that change while the node runs: checked as a whole set, then applied at once."""

from __future__ import annotations

from collections.abc import Callable

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from ..core.errors import FacePerceptionError
from .parameters import MODELS, PARAMETERS_BY_NAME, Value, model_folders, read_values


class ParameterChanges:
    """
    Guards the parameters of a node.

    While the node is configured, ``prepare`` is there and gets the whole set of values as they
    will be. It raises ``FacePerceptionError`` to refuse it, or returns what applies it, which is
    called once rclpy has taken the values.
    """

    def __init__(self, node: Node, on_fault: Callable[[str, str], None]):
        """``on_fault`` gets a kind and a sentence for each refusal."""
        self._node = node
        self.prepare: Callable[[dict[str, Value]], Callable[[], None]] | None = None
        self._on_fault = on_fault
        self._apply: Callable[[], None] | None = None
        #: What is wrong with values given at start, by parameter, until they are mended.
        self.faults: dict[str, str] = {}
        self._folders = model_folders(node)
        self._locked = node.get_parameter('read_only_parameters').value
        node.add_on_set_parameters_callback(self._check)
        # Humble has no such callback: there this node's own check is the last.
        self._applied_later = hasattr(node, 'add_post_set_parameters_callback')
        if self._applied_later:
            node.add_post_set_parameters_callback(lambda _: self._apply_prepared())

    def _check(self, parameters: list[Parameter]) -> SetParametersResult:
        given = {
            parameter.name: parameter.value
            for parameter in parameters
            if parameter.name in PARAMETERS_BY_NAME
        }
        self._apply = None
        try:
            if self._locked:
                raise FacePerceptionError(
                    "parameters are read-only, as 'read_only_parameters' is true: start the node "
                    'with other ones'
                )
            for name, value in given.items():
                if fault := PARAMETERS_BY_NAME[name].fault(value):
                    raise FacePerceptionError(fault)
                if name in MODELS and (fault := self._folders.fault(name, value)):
                    raise FacePerceptionError(fault)
            if self.prepare and given:
                present = read_values(self._node)
                _check_structure(present, given)
                self._apply = self.prepare(present | given)
        except FacePerceptionError as error:
            return self._refuse(str(error))
        except Exception as error:  # the node stays alive whatever libraries do
            return self._refuse(f'{error!r}: please report this to the maintainers')
        for name in given:
            self.faults.pop(name, None)
        if not self._applied_later:
            self._apply_prepared()
        return SetParametersResult(successful=True)

    def _refuse(self, reason: str) -> SetParametersResult:
        self._on_fault('parameter', reason)
        return SetParametersResult(successful=False, reason=reason)

    def _apply_prepared(self) -> None:
        apply, self._apply = self._apply, None
        if apply is not None:
            apply()


def _check_structure(present: dict[str, Value], given: dict[str, Value]) -> None:
    for name, value in given.items():
        if PARAMETERS_BY_NAME[name].structural and value != present[name]:
            raise FacePerceptionError(
                f"parameter '{name}' is read-only while the node is configured: run 'ros2 "
                "lifecycle set' with deactivate and cleanup, set it, then configure and activate"
            )
