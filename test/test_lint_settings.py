"""Everybody checks with the same versions: the extra, pre-commit and what make lint installs."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def required(extra='lint'):
    text = (ROOT / 'pyproject.toml').read_text(encoding='utf-8')
    listed = re.search(rf'^{extra} = \[(.+)\]$', text, flags=re.MULTILINE)[1]
    return re.findall(r'"(.+?)"', listed)


def test_pre_commit_has_the_versions_of_the_extra():
    text = (ROOT / '.pre-commit-config.yaml').read_text(encoding='utf-8')
    assert set(re.findall(r'\w+==[^\']+', text)) == set(required())


@pytest.mark.skipif(shutil.which('make') is None, reason='needs make')
@pytest.mark.parametrize(('extra', 'target'), [('lint', '.lintable'), ('view', '.viewable')])
def test_make_installs_what_the_extra_says(tmp_path, extra, target):
    folder = tmp_path / 'bin' if extra == 'lint' else tmp_path
    command = ['make', '--dry-run', '--always-make', f'{folder}/{target}', f'VENV={tmp_path}']
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    reading = re.search(r'sed -n .+? pyproject.toml(?: \| tr -d \S+)?', done.stdout)[0]
    read = subprocess.run(
        f'{reading} | xargs -n 1 echo',
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert read.stdout.split() == required(extra)


@pytest.mark.skipif(shutil.which('make') is None, reason='needs make')
def test_make_lint_checks_format_and_faults(tmp_path):
    command = ['make', '--dry-run', '--always-make', 'lint', f'VENV={tmp_path}']
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert 'ruff format --check .' in done.stdout and 'ruff check .' in done.stdout


def test_license_and_both_manifests_name_the_same_people():
    author = re.search(
        r'<author email="(.+?)">(.+?)</author>', (ROOT / 'package.xml').read_text(encoding='utf-8')
    )
    email, name = author.groups()
    assert f'name = "{name}", email = "{email}"' in (ROOT / 'pyproject.toml').read_text('utf-8')
    assert re.search(rf'Copyright \d{{4}} {name}', (ROOT / 'LICENSE').read_text('utf-8'))
