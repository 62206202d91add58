"""How commands end."""

from argparse import Namespace

import pytest

from face_perception.console.endings import ended, exit_status
from face_perception.core.errors import ModelError


def test_the_status_is_what_the_command_returns_or_0():
    assert exit_status(lambda options: options.status, Namespace(status=130)) == 130
    assert exit_status(lambda options: None, Namespace()) == 0


@pytest.mark.parametrize('error', [ModelError('no such file'), OSError('no such file')])
def test_what_the_user_can_mend_is_one_sentence(error, capsys):
    def run(options):
        raise error

    assert exit_status(run, Namespace()) == 1
    assert capsys.readouterr().err == 'error: no such file\n'


def test_a_fault_of_the_program_is_not_hidden():
    def run(options):
        raise KeyError('fault')

    with pytest.raises(KeyError):
        exit_status(run, Namespace())


def test_a_path_that_cannot_be_used_is_named_with_the_reason(tmp_path, capsys):
    place = tmp_path / 'a\nb'
    place.write_text('')

    def run(options):
        place.mkdir(parents=True, exist_ok=True)

    assert exit_status(run, Namespace()) == 1
    said = capsys.readouterr().err
    assert said.endswith("a\\nb' cannot be used (it is no folder): give another path\n")
    assert said.startswith("error: '/") and said.count('\n') == 1


def test_ctrl_c_is_told_in_a_word(capsys):
    def run(options):
        raise KeyboardInterrupt

    assert exit_status(run, Namespace()) == 130
    assert capsys.readouterr().err == 'stopped\n'


def test_a_program_that_reads_its_own_command_line_ends_alike(capsys):
    def main():
        raise ModelError('no such file')

    assert ended(main) == 1
    assert capsys.readouterr().err == 'error: no such file\n'
    assert ended(lambda: 3) == 3 and ended(lambda: None) == 0
