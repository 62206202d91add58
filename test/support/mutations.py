"""Damage as disks, networks and strangers do it, in steps that hypothesis can leave out again."""

import os
import random

from hypothesis import strategies as st

#: Examples of each test: a short look in ``make test``, many in ``make fuzz``.
EXAMPLES = int(os.environ.get('FUZZ_EXAMPLES', '0'))


def examples(few):
    """Return the settings of a test that has so many examples in the short run."""
    from hypothesis import HealthCheck, Phase, settings

    return settings(
        max_examples=EXAMPLES or few,
        deadline=None,
        derandomize=not EXAMPLES,
        database=None,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )


_PLACE = st.floats(0, 1, exclude_max=True)
_NUMBERS = st.sampled_from([0, 1, 127, 128, 255])
#: Where, how much, and what is done there.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just('flip'), _PLACE, st.integers(0, 7)),
        st.tuples(st.just('set'), _PLACE, _NUMBERS),
        st.tuples(st.just('cut'), _PLACE, st.just(0)),
        st.tuples(st.just('zero'), _PLACE, st.integers(1, 4096)),
        st.tuples(st.just('fill'), _PLACE, st.integers(1, 64)),
        st.tuples(st.just('drop'), _PLACE, st.integers(1, 512)),
        st.tuples(st.just('double'), _PLACE, st.integers(1, 4096)),
        st.tuples(st.just('insert'), _PLACE, st.binary(min_size=1, max_size=16)),
        st.tuples(st.just('head'), st.floats(0, 1), st.integers(0, 255)),
    ),
    min_size=1,
    max_size=6,
)

_KINDS = ('flip', 'set', 'cut', 'zero', 'fill', 'drop', 'double', 'insert', 'head')


def random_steps(dice):
    """Return steps as ``STEPS`` gives them, without hypothesis: a hundred times as fast."""
    steps = []
    for _ in range(dice.randint(1, 6)):
        kind = dice.choice(_KINDS)
        what = {'flip': dice.randrange(8), 'insert': dice.randbytes(dice.randint(1, 16))}
        steps.append((kind, dice.random(), what.get(kind, dice.choice((0, 1, 64, 127, 128, 255)))))
    return steps


def many(few):
    """
    Return so many dice, and in the long run 20 per example; each knows its ``name``.

    With that as ``FUZZ_SEED`` a run is repeated from there on.
    """
    first = os.environ.get('FUZZ_SEED', '0' if not EXAMPLES else str(random.randrange(10**9)))
    for number in range(int(first), int(first) + (20 * EXAMPLES or few)):
        dice = random.Random(number)
        dice.name = number
        yield dice


def damaged(data, steps):
    """Return ``data`` after the steps."""
    data = bytearray(data)
    for kind, share, what in steps:
        at = int(share * len(data))
        if not data:
            break
        if kind == 'flip':
            data[at] ^= 1 << what
        elif kind == 'set':
            data[at] = what
        elif kind == 'head':  # where most that is said of the rest stands
            data[int(share * min(len(data) - 1, 256))] = what
        elif kind == 'cut':
            del data[at:]
        elif kind == 'zero':
            data[at : at + what] = bytes(len(data[at : at + what]))
        elif kind == 'fill':
            data[at : at + what] = b'\xff' * len(data[at : at + what])
        elif kind == 'drop':
            del data[at : at + what]
        elif kind == 'double':
            data[at:at] = data[at : at + what]
        else:
            data[at:at] = what
    return bytes(data)
