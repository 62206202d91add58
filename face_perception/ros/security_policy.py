"""
The SROS 2 policy of the node, made from what the node really has.

As a command, from the folder ``config``: ``python -m face_perception.ros.security_policy >
sros2_policy.xml``.  A test compares the shipped file with a running node.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Set
from dataclasses import dataclass
from xml.etree import ElementTree

NAME = 'face_perception'
#: What every node of ROS 2 writes.
EVERY_NODES = ('parameter_events', 'rosout')
#: What the node has only with other parameters: compressed images, simulated time, messages of
#: other packages.
#: The topics of REP-155 have names of their own for each face, which no policy of names can list.
OTHER_INPUTS = ('image/compressed', 'clock')
OTHER_OUTPUTS = (f'{NAME}/annotations', f'{NAME}/detections')
COMMENT = """
  Made by python -m face_perception.ros.security_policy; see docs/security.md. Relative to the root
  namespace: where the node runs in another, or its topics are remapped, correct the names.
  The node takes images and answers requests; who listens, may not ask; who operates, may.
"""


@dataclass(frozen=True)
class Interface:
    """The names, without the leading slash, of what a node publishes, subscribes to and answers."""

    publishes: frozenset[str]
    subscribes: frozenset[str]
    answers: frozenset[str]


def interface_of(observer, name: str, namespace: str) -> Interface:
    """Return what the node ``name`` has, as the rclpy node ``observer`` sees it."""

    def names(found) -> frozenset[str]:
        return frozenset(each.lstrip('/') for each, _ in found)

    return Interface(
        names(observer.get_publisher_names_and_types_by_node(name, namespace)),
        names(observer.get_subscriber_names_and_types_by_node(name, namespace)),
        names(observer.get_service_names_and_types_by_node(name, namespace)),
    )


def policy(interface: Interface) -> str:
    """Return the policy as XML: enclaves for the node, those who listen and those who operate."""
    inputs = interface.subscribes | set(OTHER_INPUTS)
    outputs = (interface.publishes | set(OTHER_OUTPUTS)) - set(EVERY_NODES)
    root = ElementTree.Element('policy', version='0.2.0')
    root.append(ElementTree.Comment(COMMENT))
    enclaves = ElementTree.SubElement(root, 'enclaves')
    node = _profile(enclaves, NAME, NAME)
    _allow(node, 'topic', 'publish', outputs | set(EVERY_NODES))
    _allow(node, 'topic', 'subscribe', inputs)
    _allow(node, 'service', 'reply', interface.answers)
    listener = _profile(enclaves, f'{NAME}_listener', 'listener')
    _allow(listener, 'topic', 'publish', set(EVERY_NODES))
    _allow(listener, 'topic', 'subscribe', outputs)
    operator = _profile(enclaves, f'{NAME}_operator', 'operator')
    _allow(operator, 'topic', 'publish', set(EVERY_NODES))
    _allow(operator, 'topic', 'subscribe', outputs | set(EVERY_NODES))
    _allow(operator, 'service', 'request', interface.answers)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, 'unicode') + '\n'


def _profile(enclaves: ElementTree.Element, enclave: str, node: str) -> ElementTree.Element:
    profiles = ElementTree.SubElement(
        ElementTree.SubElement(enclaves, 'enclave', path=f'/{enclave}'), 'profiles'
    )
    return ElementTree.SubElement(profiles, 'profile', ns='/', node=node)


def _allow(profile: ElementTree.Element, kind: str, what: str, names: Set[str]) -> None:
    group = ElementTree.SubElement(profile, f'{kind}s', {what: 'ALLOW'})
    for name in sorted(names):
        ElementTree.SubElement(group, kind).text = name


def main() -> int:
    """Print the policy of a node that is started for it, apart from all others."""
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'OFF'
    import rclpy
    from rclpy.parameter import Parameter

    from .node import FacePerceptionNode
    from .start import StartError, begin, finish, prepare

    overrides = [Parameter('lazy', value=False)]
    try:
        prepare(lambda warning: None, is_camera=False)  # no image is sent
        node = begin(None, lambda: FacePerceptionNode(parameter_overrides=overrides))
    except StartError as error:
        print(error, file=sys.stderr)
        return 1
    node.autostart()
    print(policy(interface_of(node, node.get_name(), node.get_namespace())), end='')
    finish(None, node)
    rclpy.shutdown()
    return 0


if __name__ == '__main__':
    sys.exit(main())
