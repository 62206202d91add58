"""The real node in simulation, and two nodes beside each other."""

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from rclpy.qos import QoSProfile
from rosgraph_msgs.msg import Clock
from std_msgs.msg import Header

from face_perception.media.messages.encoding import image_message
from face_perception.ros.conversions import seconds


class Simulation:
    """Publishes /clock, and images that are stamped with it."""

    def __init__(self, ros):
        self.ros = ros
        self.now = 0.0
        self.start()

    def step(self, time_s):
        """Set the time; wait until it has arrived, as far as can be known."""
        self.now = time_s
        message = Clock()
        message.clock.sec = int(time_s)
        message.clock.nanosec = round(1e9 * (time_s - int(time_s)))
        self._clock.publish(message)
        self.ros.spin_for(0.05)
        return message.clock

    def wait_for_node(self):
        self.ros.spin_until(self._clock.get_subscription_count)

    def start(self):
        self._clock = self.ros.node.create_publisher(Clock, '/clock', QoSProfile(depth=1))

    def stop(self):
        self.ros.node.destroy_publisher(self._clock)


@pytest.fixture
def simulation(ros):
    simulation = Simulation(ros)
    yield simulation
    simulation.stop()


def show(robot, simulation, message):
    """Let simulated time pass until the faces of an image shown from now on come."""
    shown = []

    def come():
        message.header.stamp = simulation.step(simulation.now + 0.1)
        shown.append(message.header.stamp)
        robot.show(message, stamped=False)
        return robot.faces and robot.faces[-1].header.stamp in shown

    robot.ros.spin_until(come)
    return robot.faces[-1]


def test_simulated_time_that_jumps_back_begins_anew(start_robot, simulation, portrait):
    robot = start_robot(use_sim_time=True, detector__input_size=240, tracker__max_age=60.0)
    simulation.wait_for_node()
    message = image_message(Header(), portrait[0])
    simulation.step(1000.0)
    for _ in range(5):
        (face,) = show(robot, simulation, message).faces
    assert face.track_id == '1'
    latency = robot.latency[-1]
    # Measured on the simulated clock: the image is not minutes old, nor from the future.
    assert abs(seconds(latency.transport)) < 1.0
    robot.ros.spin_for(1.0)  # until no image of that time is on its way
    simulation.step(3.0)
    (face,) = show(robot, simulation, message).faces
    # An image from before the jump may still have been in work, so it need not be '2'.
    assert face.track_id != '1', 'a face of another time is another face'
    assert abs(seconds(robot.latency[-1].transport)) < 1.0
    level, text, values = robot.status()
    assert values['state'] == 'active' and values['errors'] == '0', (text, values)
    assert level < 2


def test_two_clocks_that_disagree_are_said(start_robot, simulation, ros):
    robot = start_robot(use_sim_time=True)
    simulation.wait_for_node()
    other = Simulation(ros)
    other.wait_for_node()

    def disagree(level, text, values):
        for step in range(5):
            simulation.step(1000.0 + step)
            other.step(50.0 + step)
        return level == 1 and '2 publishers of /clock disagree' in text

    robot.wait_for_status(disagree)
    other.stop()


#: Holds each image back right before it is processed, as a busy machine may.
SLOW_TO_START = """
import time
def process(self, received, process=frames.FrameProcessor._process):
    time.sleep(0.4)
    process(self, received)
frames.FrameProcessor._process = process
"""


def test_an_image_of_the_time_before_that_is_taken_up_after_the_jump(
    start_robot, simulation, portrait
):
    robot = start_robot(use_sim_time=True, detector__input_size=240, patch=SLOW_TO_START)
    simulation.wait_for_node()
    message = image_message(Header(), portrait[0])
    simulation.step(1000.0)
    show(robot, simulation, message)
    robot.ros.spin_for(1.0)
    shown_before = len(robot.faces)
    for _ in range(3):  # one in the worker's hands, one that waits, one that came last
        message.header.stamp = simulation.step(simulation.now + 0.1)
        robot.show(message, stamped=False)
    robot.ros.spin_for(0.1)
    simulation.step(3.0)
    show(robot, simulation, message)
    assert all(faces.header.stamp.sec < 1000 for faces in robot.faces[shown_before:])
    no_errors_and_nothing_unaccounted_for(robot)


def no_errors_and_nothing_unaccounted_for(robot):
    def settled(level, text, values):
        return int(values['frames received']) == (
            int(values['frames processed']) + int(values['frames dropped'])
        )

    level, text, values = robot.wait_for_status(settled)
    assert values['errors'] == '0' and values['state'] == 'active' and level < 2, (text, values)


@pytest.mark.parametrize('first', ['clock', 'image'])
def test_clock_and_images_may_jump_one_after_the_other(start_robot, simulation, portrait, first):
    robot = start_robot(use_sim_time=True, detector__input_size=240)
    simulation.wait_for_node()
    message = image_message(Header(), portrait[0])
    simulation.step(1000.0)
    show(robot, simulation, message)
    robot.ros.spin_for(0.5)
    if first == 'image':
        message.header.stamp.sec = 3
        robot.show(message, stamped=False)  # on the camera, time is set back already
        robot.ros.spin_for(0.3)
        simulation.step(3.0)
    else:
        before = len(robot.faces)
        simulation.step(3.0)
        robot.show(message, stamped=False)  # an image from before comes after the clock
        robot.ros.spin_for(0.5)
        assert len(robot.faces) == before
    show(robot, simulation, message)
    no_errors_and_nothing_unaccounted_for(robot)
    assert abs(seconds(robot.latency[-1].transport)) < 1.0


def test_diagnostics_have_simulated_stamps_and_a_pause_is_no_fault(
    start_robot, simulation, portrait
):
    robot = start_robot(use_sim_time=True, no_image_timeout=0.5, detector__input_size=240)
    simulation.wait_for_node()
    simulation.step(500.0)
    show(robot, simulation, image_message(Header(), portrait[0]))
    robot.ros.spin_for(1.5)  # the simulation is paused: the last image does not get older
    level, text, _ = robot.status()
    assert level == 0 and robot.stamp.sec == int(simulation.now), text
    simulation.step(simulation.now + 10)
    level, text, _ = robot.wait_for_status(lambda level, text, values: level == 2)
    assert 'no image for 10 s' in text
    show(robot, simulation, image_message(Header(), portrait[0]))
    robot.wait_for_status(lambda level, text, values: 'no image for' not in text)


def test_simulated_time_without_a_clock_is_said(start_robot):
    robot = start_robot(use_sim_time=True)
    robot.wait_for_status(lambda level, text, values: level == 1 and '/clock' in text)


def test_two_nodes_in_two_namespaces_keep_to_their_cameras(start_robot, portrait):
    left, right = (start_robot(namespace=name) for name in ('left', 'right'))
    image = image_message(Header(), portrait[0])
    small = image_message(Header(), portrait[0][:240, :320])
    assert left.show_and_wait(image).image_width == 640
    assert right.show_and_wait(small).image_width == 320
    assert {message.image_width for message in left.faces} == {640}
    assert {message.image_width for message in right.faces} == {320}
    for robot in (left, right):
        assert robot.status()[2]['state'] == 'active'
        assert robot.lifecycle_state() == 'active'


def test_a_clock_that_ends_is_said(start_robot, simulation, portrait):
    robot = start_robot(use_sim_time=True, detector__input_size=240)
    simulation.wait_for_node()
    simulation.step(500.0)
    show(robot, simulation, image_message(Header(), portrait[0]))
    simulation.stop()  # as a simulator that crashed, or the end of a bag
    robot.wait_for_status(lambda level, text, values: level == 1 and 'nobody publishes' in text)
    robot.wait_for_status(lambda *_: 'nobody publishes /clock' in robot.process.log())
    simulation.start()
    simulation.wait_for_node()
    show(robot, simulation, image_message(Header(), portrait[0]))
    robot.wait_for_status(lambda level, text, values: level == 0)


def test_images_of_a_bag_without_a_clock_are_not_told_to_set_what_is_set(start_robot, portrait):
    robot = start_robot(use_sim_time=True, detector__input_size=240)
    message = image_message(Header(), portrait[0])

    def said(level, text, values):
        robot.show_and_wait(message)
        return 'stamp' in robot.process.log()

    robot.wait_for_status(said)
    assert 'play the bag with --clock' in robot.process.log()
    assert 'chrony' not in robot.process.log()
