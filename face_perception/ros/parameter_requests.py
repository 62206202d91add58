"""The services for a node's parameters, which answer malformed requests too."""

from __future__ import annotations

from collections.abc import Callable

from rcl_interfaces.msg import ParameterType, SetParametersResult
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python
from rclpy.parameter_service import ParameterService

from ..core.text import value

#: Types that a ParameterValue may have.
KNOWN_TYPES = range(ParameterType.PARAMETER_NOT_SET, ParameterType.PARAMETER_STRING_ARRAY + 1)


class ParameterRequests(ParameterService):
    """
    rclpy's services, but for values of a type that does not exist, and for those that stay.

    rclpy raises in its own callback at the first, and whoever asked waits for good. It refuses the
    second where a parameter is read-only: so nothing would load what was dumped. Give a node
    ``start_parameter_services=False``, and this instead.
    """

    def __init__(
        self,
        node: Node,
        check: Callable[[str, object], str] = lambda name, given: '',
        on_fault: Callable[[str, str], None] = lambda kind, sentence: None,
    ):
        """
        Answer for ``node``.

        ``check`` gets a name and the value that it is to have, and returns why it cannot, or
        ``''``: before rclpy, whose own reasons tell less.  ``on_fault`` gets a kind and a
        sentence for what is refused here.
        """
        super().__init__(node)
        self._check, self._on_fault = check, on_fault

    def _set_parameters_callback(self, request, response):
        node = self._get_node()
        for parameter in request.parameters:
            if self._stays(parameter):
                response.results.append(SetParametersResult(successful=True))
                continue
            if fault := self._fault([parameter]):
                response.results.append(self._refused(fault))
                continue
            one = type(request)(parameters=[parameter])
            try:
                answer = super()._set_parameters_callback(one, type(response)())
                response.results.extend(answer.results)
            except Exception as error:  # the node stays alive whatever is asked
                node.get_logger().debug(repr(error))
                response.results.append(self._refused(_sentence(parameter, error)))
        return response

    def _set_parameters_atomically_callback(self, request, response):
        request.parameters = [each for each in request.parameters if not self._stays(each)]
        if fault := self._fault(request.parameters):
            response.result = self._refused(fault)
            return response
        try:
            return super()._set_parameters_atomically_callback(request, response)
        except Exception as error:
            response.result = self._refused(_sentence(request.parameters[0], error))
        return response

    def _stays(self, parameter) -> bool:
        """Return whether a request gives a read-only parameter the value that it has."""
        node, name = self._get_node(), parameter.name
        return (
            node.has_parameter(name)
            and node.describe_parameter(name).read_only
            and node.get_parameter(name).get_parameter_value() == parameter.value
        )

    def _fault(self, parameters) -> str:
        for parameter in parameters:
            if parameter.value.type not in KNOWN_TYPES:
                return (
                    f"parameter '{value(parameter.name)}' has a value of type "
                    f'{parameter.value.type}, which does not exist: use {KNOWN_TYPES.start} to '
                    f'{KNOWN_TYPES.stop - 1}, as rcl_interfaces/msg/ParameterType names them'
                )
            if fault := self._check(parameter.name, parameter_value_to_python(parameter.value)):
                return fault
        return ''

    def _refused(self, reason: str) -> SetParametersResult:
        self._on_fault('parameter', reason)
        return SetParametersResult(successful=False, reason=reason)


def _sentence(parameter, error: Exception) -> str:
    return f"parameter '{value(parameter.name)}' cannot be set: {value(error)}"
