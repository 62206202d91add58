"""Serialized requests of any bytes to the services of a node, as no client sends them."""

import ctypes
from pathlib import Path

import pytest
import rclpy


class _Time(ctypes.Structure):
    _fields_ = [('sec', ctypes.c_uint64), ('nsec', ctypes.c_uint64)]


class _Qos(ctypes.Structure):
    """rmw_qos_profile_t."""

    _fields_ = [
        ('history', ctypes.c_int),
        ('depth', ctypes.c_size_t),
        ('reliability', ctypes.c_int),
        ('durability', ctypes.c_int),
        ('deadline', _Time),
        ('lifespan', _Time),
        ('liveliness', ctypes.c_int),
        ('lease', _Time),
        ('any_name', ctypes.c_bool),
    ]


class _Bytes(ctypes.Structure):
    """rmw_serialized_message_t, with room for its allocator."""

    _fields_ = [
        ('buffer', ctypes.c_char_p),
        ('length', ctypes.c_size_t),
        ('capacity', ctypes.c_size_t),
        ('allocator', ctypes.c_void_p * 8),
    ]


def _library(name):
    """Return a library that rclpy has loaded for itself."""
    for line in Path('/proc/self/maps').read_text().splitlines():
        path = Path(line[line.find('/') :])
        if path.name.startswith(name):
            return ctypes.CDLL(str(path))
    raise OSError(f'{name} is not loaded')


class RawRequests:
    """
    Writes requests to a service of ``service_type``, whose ``name`` begins with its node's.

    With rmw_fastrtps a service has a topic of requests, whose name ROS gives to no publisher of a
    program's: the middleware's own functions are asked.
    """

    def __init__(self, node, service_type, name):
        self._rmw, rcl = _library('librmw_fastrtps_cpp.so'), _library('librcl.so')
        request = service_type.Request
        if request._TYPE_SUPPORT is None:
            request.__class__.__import_type_support__()
        pointer = ctypes.pythonapi.PyCapsule_GetPointer
        pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        support = ctypes.c_void_p(pointer(request._TYPE_SUPPORT, None))
        rcl.rcl_node_get_rmw_handle.restype = ctypes.c_void_p
        with node.handle:
            within = rcl.rcl_node_get_rmw_handle(ctypes.c_void_p(node.handle.pointer))
        self._node = ctypes.c_void_p(within)
        # The last hundred, reliable, volatile.
        qos = ctypes.byref(_Qos(history=1, depth=100, reliability=1, durability=2, any_name=True))
        topic, options = f'rq/{name}Request'.encode(), (ctypes.c_char * 64)()
        self._rmw.rmw_create_publisher.restype = ctypes.c_void_p
        made = self._rmw.rmw_create_publisher(self._node, support, topic, qos, options)
        assert made, f'no publisher for {topic}'
        self._publisher = ctypes.c_void_p(made)

    def matched(self):
        """Return how many services it has found."""
        count = ctypes.c_size_t()
        counted = self._rmw.rmw_publisher_count_matched_subscriptions(
            self._publisher, ctypes.byref(count)
        )
        assert counted == 0
        return count.value

    def send(self, data):
        """Send bytes as a request; return whether the own middleware takes them."""
        message = ctypes.byref(_Bytes(data, len(data), len(data)))
        return not self._rmw.rmw_publish_serialized_message(self._publisher, message, None)

    def close(self):
        """Take the publisher away, while its node still exists."""
        self._rmw.rmw_destroy_publisher(self._node, self._publisher)


def raw_requests(ros, service_type, name):
    """Return ``RawRequests`` that have found their service; skip where rmw is another."""
    if rclpy.get_rmw_implementation_identifier() != 'rmw_fastrtps_cpp':
        pytest.skip('only with rmw_fastrtps_cpp it is known how to send such requests')
    requests = RawRequests(ros.node, service_type, name)
    ros.spin_until(requests.matched)
    return requests
