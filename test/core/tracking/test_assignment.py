import numpy as np
import pytest

from face_perception.core.tracking.assignment import assign


def test_two_rows_and_columns_are_assigned_as_well_as_can_be():
    random = np.random.default_rng(0)
    for rows, columns in 50 * [(1, 2), (2, 1), (2, 2)]:
        affinity = random.uniform(0.1, 1, (rows, columns))
        best = (
            max(affinity[0, 0] + affinity[1, 1], affinity[0, 1] + affinity[1, 0])
            if rows == columns
            else affinity.max()
        )
        links = assign(affinity)
        assert len(set(links.values())) == len(links) == min(rows, columns)
        assert sum(affinity[row, column] for column, row in links.items()) == pytest.approx(best)


def test_what_cannot_be_one_is_never_paired():
    nothing = -np.inf
    assert assign(np.array([[nothing, 0.5], [nothing, 0.7]])) == {1: 1}
    assert assign(np.full((2, 3), nothing)) == {}
    assert assign(np.zeros((0, 3))) == assign(np.zeros((3, 0))) == {}
