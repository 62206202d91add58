"""Everybody checks with one version of ruff: the extra, pre-commit and what make lint installs."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def required():
    text = (ROOT / 'pyproject.toml').read_text(encoding='utf-8')
    return re.search(r'^lint = \["(.+)"\]$', text, flags=re.MULTILINE)[1]


def test_pre_commit_has_the_version_of_the_extra():
    text = (ROOT / '.pre-commit-config.yaml').read_text(encoding='utf-8')
    named = re.findall(r'ruff==[^\']+', text)
    assert named and set(named) == {required()}


@pytest.mark.skipif(shutil.which('make') is None, reason='needs make')
def test_make_lint_installs_what_the_extra_says(tmp_path):
    command = ['make', '--dry-run', '--always-make', 'lint', f'VENV={tmp_path}']
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    pattern = re.search(r'sed -n \'(.+?)\' pyproject\.toml', done.stdout)[0]
    read = subprocess.run(pattern, shell=True, cwd=ROOT, capture_output=True, text=True, check=True)
    assert read.stdout.strip() == required()
    assert 'ruff format --check .' in done.stdout and 'ruff check .' in done.stdout
