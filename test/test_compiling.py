"""What is missing to build the form with ROS 2 is one sentence."""

import importlib
import shutil
import sys
import sysconfig
from pathlib import Path
from types import ModuleType

import pytest

BACKEND = Path(__file__).parents[1] / 'build_backend'


@pytest.fixture
def compiling(monkeypatch):
    """Return the module, on a machine that has a compiler."""
    monkeypatch.syspath_prepend(BACKEND)
    monkeypatch.delitem(sys.modules, 'compiling', raising=False)
    monkeypatch.setattr(shutil, 'which', lambda name: f'/usr/bin/{name}')
    return importlib.import_module('compiling')


def headers(monkeypatch, folder):
    """Let Python say that its headers are in ``folder``."""
    monkeypatch.setattr(sysconfig, 'get_path', lambda name: str(folder))
    monkeypatch.setattr(sysconfig, 'get_config_var', lambda name: None)


def test_without_headers_the_package_that_has_them_is_named(compiling, monkeypatch, tmp_path):
    headers(monkeypatch, tmp_path / 'include')
    python = f'python{sys.version_info[0]}.{sys.version_info[1]}'
    sentence = compiling.fault()
    assert f'apt-get install {python}-dev' in sentence and 'FACE_PERCEPTION_ROS=0' in sentence


def test_nothing_is_said_where_all_is_there(compiling, monkeypatch, tmp_path):
    (tmp_path / 'Python.h').touch()
    headers(monkeypatch, tmp_path)
    assert compiling.fault() == ''


def test_an_editable_install_is_refused_where_messages_are_generated(monkeypatch):
    monkeypatch.syspath_prepend(BACKEND)
    for name in ('ros_wheels', 'face_perception_build'):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(importlib.import_module('ros_wheels'), 'chosen', lambda: object())
    # Only a build has the real ones.
    parent, hooks = ModuleType('scikit_build_core.setuptools'), ModuleType('build_meta')
    parent.build_meta = hooks
    hooks.__getattr__ = lambda name: None
    monkeypatch.setitem(sys.modules, 'scikit_build_core', ModuleType('scikit_build_core'))
    monkeypatch.setitem(sys.modules, 'scikit_build_core.setuptools', parent)
    backend = importlib.import_module('face_perception_build')
    with pytest.raises(SystemExit, match='no editable install.*FACE_PERCEPTION_ROS=0'):
        backend.get_requires_for_build_editable()
