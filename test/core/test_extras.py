"""The command that brings what is missing, by how this package was installed."""

import re
from email.message import Message
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import pytest

from face_perception.core import extras
from face_perception.core.extras import PACKAGES, VIEW, install_command

ROOT = Path(__file__).parents[2]


def installed(monkeypatch, *names, numpy='2.4.6'):
    """Let pip know the package with these extras."""
    metadata = Message()
    for name in names:
        metadata['Provides-Extra'] = name
    monkeypatch.setattr(extras, 'distribution', lambda name: SimpleNamespace(metadata=metadata))
    monkeypatch.setattr(extras, 'version', lambda name: numpy)


def test_an_extra_that_pip_knows_is_asked_for(monkeypatch):
    installed(monkeypatch, 'offline', 'cluster')
    assert install_command('offline') == "pip install 'face_perception[offline]'"
    assert install_command('offline', 'cluster').endswith("face_perception[offline,cluster]'")


def test_where_colcon_installed_it_the_packages_are_named(monkeypatch):
    """Pip knows the messages' Python package there, which has no extras, and would do nothing."""
    installed(monkeypatch)
    command = install_command('offline')
    assert "'mcap>=1.2' 'pyarrow>=15'" in command and 'face_perception' not in command
    assert "'distributed>=2024.1'" in install_command('offline', 'cluster')


def test_pip_is_kept_from_replacing_the_distributions_numpy(monkeypatch):
    installed(monkeypatch, numpy='1.26.4')
    assert install_command('demo').endswith("'numpy<2'")
    assert 'numpy' not in install_command(VIEW)  # it needs the other one


def test_a_source_tree_is_not_installed_at_all(monkeypatch):
    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(extras, 'distribution', absent)
    monkeypatch.setattr(extras, 'version', absent)
    assert install_command('demo').startswith("pip install 'matplotlib")


@pytest.mark.skipif(not (ROOT / 'pyproject.toml').is_file(), reason='needs the source tree')
@pytest.mark.parametrize('extra', PACKAGES)
def test_the_packages_are_those_of_the_manifest(extra):
    text = (ROOT / 'pyproject.toml').read_text(encoding='utf-8')
    listed = re.search(rf'^{extra} = \[(.*?)\]$', text, flags=re.MULTILINE | re.DOTALL)[1]
    assert tuple(re.findall(r'"(.+?)"', listed)) == PACKAGES[extra]
