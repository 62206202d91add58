"""Recipes: the files of the repository load, and a mistake is named."""

import json
import os
from pathlib import Path

import pytest

pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')

from face_perception.training.recipe import RecipeError, load_recipe, recipe_from  # noqa: E402

RECIPES = Path(__file__).parents[2] / 'config' / 'training'


@pytest.mark.parametrize('name', ['emotion', 'gender'])
def test_the_recipes_of_the_repository_load(name):
    recipe = load_recipe(RECIPES / f'{name}.yaml')
    assert recipe.task == name and recipe.input_size == 48


def test_the_recipe_of_the_detector_loads():
    assert load_recipe(RECIPES / 'face_detector.yaml').task == 'face_detection'


def test_the_recipes_in_the_shipped_files_are_valid():
    onnx = pytest.importorskip('onnx', reason='needed to look into the ONNX files')
    for path in (RECIPES.parents[1] / 'models').glob('*.onnx'):
        metadata = {entry.key: entry.value for entry in onnx.load(str(path)).metadata_props}
        recipe = recipe_from(json.loads(metadata['training'])['recipe'])
        assert recipe.task == metadata['task']


def test_a_recipe_survives_being_written_down(recipe_values):
    recipe = recipe_from({**recipe_values, 'augmentation': {'flip': 0.0}})
    assert recipe_from(recipe.as_dict()) == recipe


def test_former_names_of_settings_are_known(recipe_values):
    recipe = recipe_from({**recipe_values, 'views': 3})
    assert recipe.distinct_augmentations == 3
    assert 'views' not in recipe.as_dict()
    with pytest.raises(RecipeError, match='views is the former name of distinct_augmentations'):
        recipe_from({**recipe_values, 'views': 3, 'distinct_augmentations': 3})


def test_labels_have_the_order_of_the_package(recipe_values):
    assert recipe_from(recipe_values).labels == (
        'angry',
        'disgust',
        'fear',
        'happy',
        'sad',
        'surprise',
        'neutral',
    )
    assert recipe_from({**recipe_values, 'task': 'gender'}).labels == ('female', 'male')


@pytest.mark.parametrize(
    'change, message',
    [
        ({'learning_rte': 1}, 'learning_rte'),
        ({'augmentation': {'flp': 1}}, 'flp'),
        ({'task': 'age'}, 'emotion.*gender.*face_detection'),
        ({'color': 'bgr'}, 'color'),
        ({'precision': 'int8'}, 'precision'),
        ({'epochs': -1}, 'epochs'),
    ],
)
def test_a_mistake_is_named(recipe_values, change, message):
    with pytest.raises(RecipeError, match=message):
        recipe_from({**recipe_values, **change})


def test_a_missing_setting_is_named(recipe_values):
    del recipe_values['epochs']
    with pytest.raises(RecipeError, match='epochs'):
        recipe_from(recipe_values)


@pytest.mark.parametrize('text', ['- a list', 'task: [', ''])
def test_a_file_that_is_no_mapping_is_refused(tmp_path, text):
    path = tmp_path / 'recipe.yaml'
    path.write_text(text)
    with pytest.raises(RecipeError, match='recipe.yaml'):
        load_recipe(path)


@pytest.mark.parametrize(
    'change, message',
    [
        ({'weight_decay': '1e-2'}, "weight_decay.*'1e-2'"),
        ({'mirror': 'no'}, "mirror.*'no'"),
        ({'votes_weight': 7}, 'votes_weight.*1.*7'),
        ({'epochs': 2.5}, 'epochs.*2.5'),
        ({'epochs': True}, 'epochs'),
        ({'seed': 'x'}, "seed.*'x'"),
        ({'seed': None}, 'seed'),
        ({'seed': 10**30}, 'seed'),
        ({'input_size': 100000}, 'input_size.*512.*100000'),
        ({'input_size': 16}, 'input_size.*32'),
        ({'learning_rate': float('nan')}, 'learning_rate'),
        ({'learning_rate': float('inf')}, 'learning_rate'),
        ({'learning_rate': 1e300}, 'learning_rate.*100'),
        ({'learning_rate': 0}, 'learning_rate'),
        ({'weight_decay': -1.0}, 'weight_decay'),
        ({'calibration_share': 0.99}, 'calibration_share.*0.5'),
        ({'crop_margin': -0.5}, 'crop_margin'),
        ({'label_smoothing': 1}, 'label_smoothing'),
        ({'distillation': 1.5}, 'distillation'),
        ({'distillation_temperature': 0}, 'distillation_temperature'),
        ({'source_weights': {'lfw': 'twice'}}, 'source_weights.lfw'),
        ({'augmentation': {'flip': 2}}, 'augmentation.flip'),
        ({'augmentation': {'rotation': 'a lot'}}, 'augmentation.rotation'),
        ({'augmentation': 3}, 'augmentation'),
        ({'task': ['emotion']}, 'task'),
        ({3: 4}, '3'),
    ],
)
def test_a_value_of_another_type_or_range_is_named(recipe_values, change, message):
    with pytest.raises(RecipeError, match=message):
        recipe_from({**recipe_values, **change})


def test_all_mistakes_are_named_at_once(recipe_values):
    with pytest.raises(RecipeError, match='epochs.*votes_weight'):
        recipe_from({**recipe_values, 'epochs': 'many', 'votes_weight': -1})


def test_a_detectors_settings_have_types_too():
    values = {'task': 'face_detection', 'epochs': 1, 'held_out': ['a']}
    assert recipe_from(values).held_out == ('a',)
    for change in (
        {'held_out': 'a'},
        {'sizes': ['64']},
        {'augmentation': {'flip': 'often'}},
        {'width': 0},
        {'width': 10**6},
        {'distillation': -1},
        {'long_side': 0},
        {'long_side': 10**6},
        {'sizes': [96, 100]},
        {'sizes': [10**6]},
        {'weights': {'a': 1e308}},
        {'mine_every': -1},
        {'mine_scenes': -1},
        {'augmentation': {'square_scales': [2.0, 1.0]}},
        {'augmentation': {'square_scales': [0.0, 1.0]}},
    ):
        with pytest.raises(RecipeError, match=next(iter(change))):
            recipe_from({**values, **change})


@pytest.mark.parametrize(
    'change',
    [
        {'smallest_face': 0.0},
        {'largest_face': 0.0},
        {'ignored_below': -1.0},
        {'rotation': 720.0},
        {'brightness': -5.0},
        {'stretch': -3.0},
        {'flip': 2.0},
        {'flip': -1.0},
        {'jpeg': 7.0},
        {'cover': float('nan')},
    ],
)
def test_a_detectors_augmentation_has_ranges(change):
    values = {'task': 'face_detection', 'epochs': 1, 'held_out': ['a']}
    with pytest.raises(RecipeError, match=f'augmentation.{next(iter(change))} should be'):
        recipe_from({**values, 'augmentation': change})


def test_numbers_may_be_written_with_an_exponent_alone(tmp_path, recipe_values):
    path = tmp_path / 'recipe.yaml'
    lines = [f'{name}: {value}' for name, value in recipe_values.items()]
    path.write_text('\n'.join([*lines, 'weight_decay: 1e-2', 'learning_rate: 4E-3']))
    recipe = load_recipe(path)
    assert (recipe.weight_decay, recipe.learning_rate) == (0.01, 0.004)


def test_a_recipe_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / 'recipe.yaml'
    path.write_bytes(b'\xff\xfe\x00recipe')
    with pytest.raises(RecipeError, match='recipe.yaml'):
        load_recipe(path)


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('epochs: 3\nseed: 1\nepochs: 4\n', 'it sets epochs more than once'),
        ('augmentation:\n  flip: 0\n  flip: 1\n', 'it sets flip more than once'),
        ('[' * 50_000, 'nested too deeply'),
        ('# ' + 'x' * (1 << 20), 'larger than 1 MiB'),
    ],
)
def test_what_cannot_be_meant_as_a_recipe_is_told_in_a_line(tmp_path, text, words):
    path = tmp_path / 'recipe.yaml'
    path.write_text(text)
    with pytest.raises(RecipeError, match=words) as caught:
        load_recipe(path)
    assert '\n' not in str(caught.value)


def test_a_recipe_that_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / 'recipe.yaml')
    with pytest.raises(RecipeError, match='no regular file'):
        load_recipe(tmp_path / 'recipe.yaml')
