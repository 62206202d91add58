"""The limit of memory while a request is read is gone afterwards, whoever reads beside."""

import resource
from threading import Thread

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from face_perception.ros.headroom import bounded_headroom  # noqa: E402


def test_a_claim_gets_no_room_and_the_limit_goes():
    before = resource.getrlimit(resource.RLIMIT_AS)
    with bounded_headroom(64 << 20):
        bytearray(1 << 20)
        with pytest.raises(MemoryError):
            bytearray(1 << 30)
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    bytearray(1 << 30)


def test_threads_beside_each_other_leave_no_limit():
    before = resource.getrlimit(resource.RLIMIT_AS)

    def read(most_bytes):
        for _ in range(500):
            with bounded_headroom(most_bytes):
                pass

    threads = [Thread(target=read, args=((256 + 40 * number) << 20,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert resource.getrlimit(resource.RLIMIT_AS) == before
