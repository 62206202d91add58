"""The official fer2013.csv and FER+'s fer2013new.csv: splits, votes, and broken rows."""

import csv

import numpy as np
import pytest

from face_perception.training.data import DatasetError, load_samples, load_task

VOTES_HEADER = [
    'Usage',
    'Image name',
    'neutral',
    'happiness',
    'surprise',
    'sadness',
    'anger',
    'disgust',
    'fear',
    'contempt',
    'unknown',
    'NF',
]


def write(path, rows, header=('emotion', 'pixels', 'Usage')):
    with path.open('w', newline='') as file:
        csv.writer(file).writerows([header, *rows])
    return path


def votes_for(rows, **votes):
    """Return FER+ rows that have everybody see a neutral face; ``row5=`` replaces row 5."""
    plain = [10, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    return [
        [row[2], f'fer{number:07d}.png', *votes.get(f'row{number}', plain)]
        for number, row in enumerate(rows)
    ]


@pytest.fixture
def table(tmp_path, fer_rows):
    return write(tmp_path / 'fer2013.csv', fer_rows)


def test_splits_by_usage(table, fer_rows, gray_of, recipe):
    train, validation = load_task(recipe('emotion'), table)
    for faces, rows in ((train, fer_rows[:14]), (validation, fer_rows[14:21])):
        np.testing.assert_array_equal(faces.images[..., 0], [gray_of(row) for row in rows])
        assert faces.labels.tolist() == [int(row[0]) for row in rows]
        np.testing.assert_array_equal(faces.targets, np.eye(7)[faces.labels])
        assert faces.groups == {} and faces.weights is None


def test_the_private_set_is_read_only_to_test(table, fer_rows, gray_of):
    samples = load_samples('emotion', table, 0.0, split='test')
    np.testing.assert_array_equal(
        [sample.image[..., 1] for sample in samples], [gray_of(row) for row in fer_rows[21:]]
    )
    assert samples[0].name == 'fer2013.csv, line 23'
    fer_rows[24][1] = 'broken'  # the others never notice
    write(table, fer_rows)
    assert len(load_samples('emotion', table, 0.0)) == 7


def test_a_folder_and_the_later_file_are_read_alike(table, tmp_path, fer_rows, recipe):
    later = tmp_path / 'later'
    later.mkdir()
    reordered = [(label, usage, pixels) for label, pixels, usage in fer_rows]
    write(later / 'icml_face_data.csv', reordered, ('emotion', ' Usage', ' pixels'))
    expected = load_task(recipe('emotion'), table)
    for path in (tmp_path, later, later / 'icml_face_data.csv'):
        for faces, known in zip(load_task(recipe('emotion'), path), expected, strict=True):
            np.testing.assert_array_equal(faces.images, known.images)
            np.testing.assert_array_equal(faces.labels, known.labels)


def test_votes_beside_the_images_soften_training_alone(table, fer_rows, recipe):
    not_a_face = votes_for(fer_rows, row4=[0] * 9 + [10])
    not_a_face[4][1] = ''  # as FER+ has it
    write(table.with_name('fer2013new.csv'), not_a_face, VOTES_HEADER)
    train, validation = load_task(recipe('emotion'), table)
    assert train.labels.tolist() == [
        label for number, label in enumerate([*range(7)] * 2) if number != 4
    ]
    expected = 0.6 * np.eye(7)[train.labels] + 0.4 * np.eye(7)[6]
    np.testing.assert_allclose(train.targets, expected, atol=1e-6)
    np.testing.assert_array_equal(validation.targets, np.eye(7)[validation.labels])


@pytest.mark.parametrize(
    'name, value',
    [('happiness', 3), ('surprise', 5), ('sadness', 4), ('anger', 0), ('disgust', 1), ('fear', 2)],
)
def test_each_column_of_votes_counts_for_its_emotion(table, fer_rows, recipe, name, value):
    row = [10 if column == name else 0 for column in VOTES_HEADER[2:]]
    write(table.with_name('fer2013new.csv'), votes_for(fer_rows, row6=row), VOTES_HEADER)
    train, _ = load_task(recipe('emotion', votes_weight=1.0), table)
    assert train.targets[6].argmax() == value


def test_copies_of_validation_images_are_left_out(table, fer_rows, recipe):
    fer_rows[3][1] = fer_rows[16][1]
    train, validation = load_task(recipe('emotion'), write(table, fer_rows))
    assert (len(train), len(validation)) == (13, 7)
    assert train.labels.tolist() == [0, 1, 2, 4, 5, 6, *range(7)]


@pytest.mark.parametrize(
    'column, value, message',
    [
        (0, '7', "label '7'"),
        (0, '-1', "label '-1'"),
        (0, 'happy', "label 'happy'"),
        (1, '1 2 3', '3 pixels, not 2304'),
        (1, '', '0 pixels'),
        (1, ' '.join(['256'] * 2304), '0..255'),
        (1, ' '.join(['x'] * 2304), '0..255'),
        (2, 'Train', "Usage 'Train'"),
        (None, ['1'], 'too few columns'),
    ],
)
def test_a_broken_row_is_named_or_left_out(table, fer_rows, recipe, column, value, message):
    if column is None:
        fer_rows[8] = value
    else:
        fer_rows[8][column] = value
    write(table, fer_rows)
    with pytest.raises(DatasetError, match=r'fer2013\.csv, line 10: .*' + message):
        load_task(recipe('emotion'), table)
    train, _ = load_task(recipe('emotion'), table, malformed='skip')
    assert train.labels.tolist() == [0, 1, 2, 3, 4, 5, 6, 0, 2, 3, 4, 5, 6]


def test_a_broken_row_does_not_shift_the_votes(table, fer_rows, recipe):
    row = [0, 10, 0, 0, 0, 0, 0, 0, 0, 0]
    write(table.with_name('fer2013new.csv'), votes_for(fer_rows, row9=row), VOTES_HEADER)
    fer_rows[8] = ['1']
    write(table, fer_rows)
    train, _ = load_task(recipe('emotion', votes_weight=1.0), table, malformed='skip')
    assert train.targets.argmax(axis=1).tolist() == [6] * 8 + [3] + [6] * 4


def test_votes_that_are_no_numbers_are_malformed(table, fer_rows, recipe):
    row = ['many', 0, 0, 0, 0, 0, 0, 0, 0, 0]
    write(table.with_name('fer2013new.csv'), votes_for(fer_rows, row2=row), VOTES_HEADER)
    with pytest.raises(DatasetError, match='line 4: .*many'):
        load_task(recipe('emotion'), table)
    assert len(load_task(recipe('emotion'), table, malformed='skip')[0]) == 13


@pytest.mark.parametrize(
    'change, message',
    [
        (lambda rows: rows[:-1], 'fewer rows'),
        (lambda rows: [*rows, rows[-1]], 'more rows'),
        (lambda rows: rows[::-1], 'not the same order'),
        (lambda rows: [*rows[:3], rows[3][:5], *rows[4:]], 'line 5: .*too few columns'),
    ],
)
def test_votes_of_other_images_are_refused(table, fer_rows, recipe, change, message):
    write(table.with_name('fer2013new.csv'), change(votes_for(fer_rows)), VOTES_HEADER)
    for malformed in ('stop', 'skip'):
        with pytest.raises(DatasetError, match='fer2013new.csv.*' + message):
            load_task(recipe('emotion'), table, malformed)


@pytest.mark.parametrize(
    'content, message',
    [
        (b'', 'no column emotion or pixels or usage'),
        (b'emotion,Usage\n0,Training\n', 'pixels'),
        (b'\xff\xfe\x00', 'cannot be read as CSV'),
        (b'emotion,pixels,Usage\n0,"' + b'1 ' * 100_000 + b'",Training\n', 'cannot be read as CSV'),
    ],
    ids=['empty', 'no pixels', 'no text', 'endless'],
)
def test_a_file_of_another_kind_is_refused(table, recipe, content, message):
    table.write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        load_task(recipe('emotion'), table)


def test_a_file_without_a_validation_set_is_refused(table, fer_rows, recipe):
    write(table, fer_rows[:14])
    with pytest.raises(DatasetError, match='no usable image for validation'):
        load_task(recipe('emotion'), table)
