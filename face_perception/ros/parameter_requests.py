"""The services for a node's parameters, which answer malformed requests too."""

from __future__ import annotations

from rcl_interfaces.msg import ParameterType, SetParametersResult
from rclpy.node import Node
from rclpy.parameter_service import ParameterService

from ..core.text import value

#: Types that a ParameterValue may have.
KNOWN_TYPES = range(ParameterType.PARAMETER_NOT_SET, ParameterType.PARAMETER_STRING_ARRAY + 1)


class ParameterRequests(ParameterService):
    """
    rclpy's services, but for values of a type that does not exist.

    rclpy raises in its own callback then, and whoever asked waits for good. Give a node
    ``start_parameter_services=False``, and this instead.
    """

    def __init__(self, node: Node):
        super().__init__(node)

    def _set_parameters_callback(self, request, response):
        node = self._get_node()
        for parameter in request.parameters:
            if fault := _fault([parameter]):
                response.results.append(_refused(fault))
                continue
            one = type(request)(parameters=[parameter])
            try:
                answer = super()._set_parameters_callback(one, type(response)())
                response.results.extend(answer.results)
            except Exception as error:  # the node stays alive whatever is asked
                node.get_logger().debug(repr(error))
                response.results.append(_refused(_sentence(parameter, error)))
        return response

    def _set_parameters_atomically_callback(self, request, response):
        if fault := _fault(request.parameters):
            response.result = _refused(fault)
            return response
        try:
            return super()._set_parameters_atomically_callback(request, response)
        except Exception as error:
            response.result = _refused(_sentence(request.parameters[0], error))
        return response


def _fault(parameters) -> str:
    for parameter in parameters:
        if parameter.value.type not in KNOWN_TYPES:
            return (
                f"parameter '{value(parameter.name)}' has a value of type {parameter.value.type}, "
                f'which does not exist: use {KNOWN_TYPES.start} to {KNOWN_TYPES.stop - 1}, as '
                'rcl_interfaces/msg/ParameterType names them'
            )
    return ''


def _sentence(parameter, error: Exception) -> str:
    return f"parameter '{value(parameter.name)}' cannot be set: {value(error)}"


def _refused(reason: str) -> SetParametersResult:
    return SetParametersResult(successful=False, reason=reason)
