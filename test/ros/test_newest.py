import threading

from face_perception.ros.newest import NewestSlot


def test_a_newer_item_replaces_the_older():
    slot = NewestSlot()
    assert not slot.put(1)
    assert slot.put(2)
    assert slot.take() == 2
    assert not slot.put(3)


def test_an_item_that_waits_can_be_thrown_away():
    slot = NewestSlot()
    assert not slot.discard()
    slot.put(1)
    assert slot.discard() and not slot.put(2)
    assert slot.take() == 2


def test_the_taker_waits_and_is_woken():
    slot, taken = NewestSlot(), []
    taker = threading.Thread(target=lambda: taken.append(slot.take()))
    taker.start()
    slot.put('item')
    taker.join(5)
    assert taken == ['item']


def test_closing_wakes_the_taker_with_none():
    slot, taken = NewestSlot(), []
    taker = threading.Thread(target=lambda: taken.append(slot.take()))
    taker.start()
    slot.close()
    taker.join(5)
    assert taken == [None]
