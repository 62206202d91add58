"""Requests of any bytes to each service of the real node: it lives, and answers good ones."""

from array import array

import numpy as np
import pytest

pytest.importorskip('hypothesis', reason='the fuzzer needs hypothesis')

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

pytest.importorskip('rclpy', reason='needs ROS 2')

from lifecycle_msgs.msg import Transition  # noqa: E402
from lifecycle_msgs.srv import ChangeState, GetAvailableTransitions, GetState  # noqa: E402
from rcl_interfaces.msg import Parameter, ParameterValue  # noqa: E402
from rcl_interfaces.srv import (  # noqa: E402
    DescribeParameters,
    GetParameters,
    GetParameterTypes,
    ListParameters,
    SetParameters,
    SetParametersAtomically,
)
from rclpy.serialization import serialize_message  # noqa: E402
from std_msgs.msg import Header  # noqa: E402
from std_srvs.srv import SetBool  # noqa: E402

from face_perception.media.messages.encoding import image_message  # noqa: E402
from support.mutations import STEPS, damaged, examples  # noqa: E402

pytest_plugins = ['support.robots']

NAMES = ['max_rate', 'emotion.model', '', 'x' * 300]
PARAMETERS = [
    Parameter(name='max_faces', value=ParameterValue(type=2, integer_value=3)),
    Parameter(name='emotion.model', value=ParameterValue(type=4, string_value='/dev/zero')),
    Parameter(name='none', value=ParameterValue(type=7, integer_array_value=array('q', [1, 2]))),
    Parameter(name='more', value=ParameterValue(type=9, string_array_value=['one', 'two'])),
]
#: A good request of each service, to be damaged.
SERVICES = {
    'set_parameters': (SetParameters, SetParameters.Request(parameters=PARAMETERS)),
    'set_parameters_atomically': (
        SetParametersAtomically,
        SetParametersAtomically.Request(parameters=PARAMETERS),
    ),
    'get_parameters': (GetParameters, GetParameters.Request(names=NAMES)),
    'get_parameter_types': (GetParameterTypes, GetParameterTypes.Request(names=NAMES)),
    'describe_parameters': (DescribeParameters, DescribeParameters.Request(names=NAMES)),
    'list_parameters': (ListParameters, ListParameters.Request(prefixes=NAMES, depth=2)),
    'change_state': (
        ChangeState,
        ChangeState.Request(transition=Transition(id=77, label='nothing')),
    ),
    'get_state': (GetState, GetState.Request()),
    'get_available_transitions': (GetAvailableTransitions, GetAvailableTransitions.Request()),
    'enable': (SetBool, SetBool.Request(data=True)),
}
ANY = st.binary(max_size=60) | st.sampled_from([b'', b'\0', b'\xff\xff\xff\x7f', b'\x01' * 500])
#: What stands before the fields: little or big endian. Others the sender's own middleware refuses.
ORDERS = st.sampled_from([b'\0\1\0\0', b'\0\0\0\0'])


@pytest.fixture(scope='module')
def services(module_robot):
    """Return what sends bytes to each service of the node."""
    from support.raw_requests import raw_requests

    ros, name = module_robot.ros, module_robot.process.name
    found = {
        service: raw_requests(ros, kind, f'{name}/{service}')
        for service, (kind, _) in SERVICES.items()
    }
    yield found
    for each in found.values():
        each.close()


def bring_back(robot):
    """Undo what such a request may have asked for by chance, as an operator would."""

    def ask(service, **fields):
        kind = SERVICES[service][0]
        name = f'/{robot.process.name}/{service}'
        return robot.ros.call_until_answered(kind, name, kind.Request(**fields))

    state = robot.lifecycle_state()
    assert state in ('unconfigured', 'inactive', 'active'), state
    if state == 'unconfigured':
        ask('change_state', transition=Transition(id=Transition.TRANSITION_CONFIGURE))
    if state != 'active':
        ask('change_state', transition=Transition(id=Transition.TRANSITION_ACTIVATE))
    ask('enable', data=True)
    robot.set_defaults()


@pytest.mark.parametrize('service', SERVICES)
def test_services_match_what_the_node_has(services, service):
    assert services[service].matched() == 1
    assert services[service].send(serialize_message(SERVICES[service][1]))


REQUESTS = st.tuples(st.sampled_from(sorted(SERVICES)), ORDERS, STEPS, st.none() | ANY)


@examples(15)
@given(batch=st.lists(REQUESTS, min_size=1, max_size=8))
def test_requests_of_any_bytes(module_robot, services, batch):
    for service, order, steps, other in batch:
        good = serialize_message(SERVICES[service][1])[len(order) :]
        services[service].send(order + (damaged(good, steps) if other is None else other))
    assert module_robot.process.alive(), module_robot.process.log()
    bring_back(module_robot)
    good = image_message(Header(), np.full((48, 64, 3), 80, np.uint8))
    assert module_robot.show_and_wait(good).image_width == 64
    assert 'Traceback' not in module_robot.process.log()
