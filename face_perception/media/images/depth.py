"""From 16 bits per channel to 8, whatever part of them a sensor fills."""

from __future__ import annotations

import numpy as np

#: Bits that sensors deliver in the lower end of 16; hardly any format says how many they are.
SENSOR_BITS = (10, 12, 14, 16)


def in_8_bits(values: np.ndarray, brightest: int | None = None) -> np.ndarray:
    """
    Return uint16 values as uint8.

    Cameras with 10, 12 or 14 bits mostly leave the upper ones empty: the fewest of
    ``SENSOR_BITS`` that hold the ``brightest`` value (``None``: of all) are taken for what the
    sensor has.
    """
    brightest = int(values.max()) if brightest is None else brightest
    bits = next(bits for bits in SENSOR_BITS if brightest < 1 << bits)
    return (values >> (bits - 8)).astype(np.uint8)
