"""The real node as a process, for all tests here."""

from support.robots import (  # noqa: F401
    module_robot,
    shared_robot,
    start_node,
    start_robot,
)
