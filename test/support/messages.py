"""What is read from messages."""


def nanoseconds(stamp):
    """Return a stamp, or a time, as a number."""
    return stamp.sec * 10**9 + stamp.nanosec


def stamps(messages):
    """Return the stamps of messages in nanoseconds."""
    return [nanoseconds(message.header.stamp) for message in messages]
