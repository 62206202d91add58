"""How images reach the node: in a thread of their own, and in simulation behind the clock."""

from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from rosgraph_msgs.msg import Clock
from std_msgs.msg import Header

from face_perception.media.messages.encoding import image_message

IMAGES = 40


def turns(robot):
    """Return how often each thread of the node waited so far, by its id."""
    tasks = Path(f'/proc/{robot.process.process.pid}/task')
    found = {}
    for status in tasks.glob('*/status'):
        lines = dict(line.split(':', 1) for line in status.read_text().splitlines())
        found[int(status.parent.name)] = int(lines['voluntary_ctxt_switches'])
    return found


def test_the_executor_sleeps_while_images_come(start_robot, portrait):
    robot = start_robot(detector__input_size=128)
    message = image_message(Header(), portrait[0])
    robot.show_and_wait(message)
    main, before, seen = robot.process.process.pid, turns(robot), len(robot.faces)
    for _ in range(IMAGES):
        robot.show(message)
        robot.ros.spin_for(0.03)
    robot.ros.spin_until(lambda: len(robot.faces) - seen > IMAGES / 2)
    after = turns(robot)
    # Once a second for the diagnostics, and a few times about it; with each image it was twice.
    assert after[main] - before[main] < IMAGES
    assert any(after[one] - before.get(one, 0) > IMAGES / 2 for one in after if one != main)


def test_another_clock_is_followed_while_images_come(start_robot, portrait, ros):
    robot = start_robot(detector__input_size=128)
    message = image_message(Header(), portrait[0])
    robot.show_and_wait(message)
    clock = ros.node.create_publisher(Clock, '/clock', 1)
    assert robot.set(use_sim_time=True).successful
    ros.spin_until(clock.get_subscription_count)
    tick = Clock()
    tick.clock.sec = 1000

    def answered():
        tick.clock.sec += 1
        clock.publish(tick)
        ros.spin_for(0.05)
        message.header.stamp = tick.clock
        robot.show(message, stamped=False)
        ros.spin_for(0.1)
        return robot.faces[-1].header.stamp.sec == tick.clock.sec

    robot.wait_for_match()
    ros.spin_until(answered)
    assert robot.set(use_sim_time=False).successful
    ros.node.destroy_publisher(clock)
    robot.wait_for_match()
    assert robot.show_and_wait(message).header.stamp.sec > 10**9
    level, text, values = robot.status()
    assert 'errors: internal' not in values, values
