"""Which model files parameters may name while the node runs."""

import os
from pathlib import Path

import pytest

from face_perception.core.resources import share_directory
from face_perception.ros.model_folders import ModelFolders


@pytest.fixture
def folders(tmp_path):
    for name in ('started', 'given', 'other'):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'a.onnx').touch()
    (tmp_path / 'given' / 'link').symlink_to(tmp_path / 'other')
    return ModelFolders(
        f'{tmp_path}/given:~/models', ['', 'own.onnx', str(tmp_path / 'started' / 'a.onnx')]
    )


@pytest.mark.parametrize(
    'name',
    [
        '',
        'own.onnx',
        'another_own.onnx',
        '{}/started/a.onnx',
        '{}/started/b.onnx',
        '{}/given/a.onnx',
        '{}/given/below/a.onnx',
        '~/models/a.onnx',
        f'{share_directory()}/models/a.onnx',
    ],
)
def test_allowed(folders, tmp_path, name):
    assert folders.fault('emotion.model', name.format(tmp_path)) == ''


@pytest.mark.parametrize(
    'name',
    [
        '/etc/passwd',
        '{}/other/a.onnx',
        '{}/givenness/a.onnx',
        '{}/given/../other/a.onnx',
        '{}/given/link/../a.onnx',
        '{}/given/../given/a.onnx',
        './a.onnx',
        '~/a.onnx',
        '~nobody-of-this-name/a.onnx',
        '..',
        '/dev/zero',
    ],
)
def test_refused(folders, tmp_path, name):
    fault = folders.fault('emotion.model', name.format(tmp_path))
    assert "'emotion.model'" in fault and 'model_directories' in fault


def test_a_refusal_does_not_tell_what_exists(folders, tmp_path, monkeypatch):
    for looked in ('stat', 'open', 'lstat', 'readlink'):
        monkeypatch.setattr(os, looked, lambda *_, **__: pytest.fail('it was looked up'))
    there, absent = str(tmp_path / 'other/a.onnx'), str(tmp_path / 'other/b.onnx')
    assert folders.fault('x', there).replace(there, '') == folders.fault('x', absent).replace(
        absent, ''
    )


def test_a_relative_path_at_the_start_is_of_the_folder_it_was_started_in(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    folders = ModelFolders('', ['../mine/a.onnx'])
    monkeypatch.chdir('/')
    assert folders.fault('x', '../mine/a.onnx') == ''
    assert folders.fault('x', str(tmp_path.parent / 'mine' / 'b.onnx')) == ''
    assert folders.fault('x', str(Path('/mine/a.onnx')))
