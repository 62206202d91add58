"""The shipped SROS 2 policy fits the real node: it allows what the node has, and nothing else."""

from importlib.util import find_spec
from xml.etree import ElementTree

from face_perception.core.resources import share_directory
from face_perception.ros.security_policy import (
    EVERY_NODES,
    NAME,
    OTHER_INPUTS,
    OTHER_OUTPUTS,
    interface_of,
    policy,
)


def shipped():
    return (share_directory() / 'config' / 'sros2_policy.xml').read_text(encoding='utf-8')


def allowed(node, kind, what):
    (profile,) = (
        profile
        for profile in ElementTree.fromstring(shipped()).iter('profile')
        if profile.get('node') == node
    )
    return {
        name.text
        for group in profile.findall(f'{kind}s')
        if group.get(what) == 'ALLOW'
        for name in group.findall(kind)
    }


def test_the_policy_is_that_of_the_running_node(start_node, ros):
    node = start_node(lazy=False)
    ros.spin_until(lambda: node.name in ros.node.get_node_names())  # later than its topics
    ros.spin_until(lambda: ros.node.count_publishers(f'/{node.name}/faces'))
    ros.spin_until(lambda: ros.node.count_subscribers(f'/{node.name}/image'))
    ros.spin_for(1.0)
    seen = interface_of(ros.node, node.name, '/')
    outputs = seen.publishes  # the input is remapped beneath the node's name, as they are

    def of_default_name(names):
        names = {name.replace(f'{node.name}/image', 'image') for name in names - outputs} | (
            names & outputs
        )
        return {name.replace(node.name, NAME) for name in names}

    publishes, subscribes, answers = (
        of_default_name(names) for names in (seen.publishes, seen.subscribes, seen.answers)
    )
    if find_spec('rclpy.type_description_service') is None:  # Humble has none
        answers |= {f'{NAME}/get_type_description'}
    assert allowed(NAME, 'topic', 'publish') == publishes | set(OTHER_OUTPUTS)
    assert allowed(NAME, 'topic', 'subscribe') == subscribes | set(OTHER_INPUTS)
    assert allowed(NAME, 'service', 'reply') == answers
    assert allowed('operator', 'service', 'request') == answers
    assert shipped() == policy(type(seen)(*map(frozenset, (publishes, subscribes, answers))))


def test_who_listens_may_neither_ask_nor_show_images():
    assert allowed('listener', 'service', 'request') == set()
    assert allowed('listener', 'topic', 'publish') == set(EVERY_NODES)
    assert f'{NAME}/faces' in allowed('listener', 'topic', 'subscribe')
    assert 'image' not in allowed('listener', 'topic', 'subscribe')
