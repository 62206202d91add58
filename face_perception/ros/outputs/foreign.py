"""Faces in messages of other packages, which need not be installed."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
from std_msgs.msg import Header

from ...core.types import FrameResult
from ..messages import optional_messages


class ForeignOutput:
    """Publishes the faces of each image as one message of another package."""

    def __init__(
        self,
        outputs,
        name: str,
        package: str,
        message_type: str,
        convert: Callable[[ModuleType, Header, FrameResult], object],
    ):
        """
        Publish ``~/name``, for which the parameter ``name.enabled`` asks.

        ``convert`` gets ``package.msg``.  Raises ``FacePerceptionError`` where that is missing.
        """
        self._messages = optional_messages(package, f'{name}.enabled')
        self._convert = convert
        self._publisher = outputs.create(getattr(self._messages, message_type), f'~/{name}')

    def publish(self, header: Header, image: np.ndarray, result: FrameResult) -> None:
        """Publish the faces of one image, if anybody listens; also where there are none."""
        if self._publisher.get_subscription_count():
            self._publisher.publish(self._convert(self._messages, header, result))

    def nobody(self, header: Header) -> None:
        """Say nothing: each message is about one image."""
