"""Recipes: the files of the repository load, and a mistake is named."""

from pathlib import Path

import pytest

pytest.importorskip('torch', reason='training needs the extra "train" (PyTorch)')

from face_perception.training.recipe import RecipeError, load_recipe, recipe_from  # noqa: E402

RECIPES = Path(__file__).parents[2] / 'config' / 'training'


@pytest.mark.parametrize('name', ['emotion', 'gender'])
def test_the_recipes_of_the_repository_load(name):
    recipe = load_recipe(RECIPES / f'{name}.yaml')
    assert recipe.task == name and recipe.input_size == 48


def test_a_recipe_survives_being_written_down(recipe_values):
    recipe = recipe_from({**recipe_values, 'augmentation': {'flip': 0.0}})
    assert recipe_from(recipe.as_dict()) == recipe


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
        ({'task': 'age'}, 'task'),
        ({'color': 'bgr'}, 'color'),
        ({'precision': 'int8'}, 'precision'),
        ({'epochs': 0}, 'epochs'),
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
