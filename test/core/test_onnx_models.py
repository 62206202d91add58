import hashlib
import json
import os
import sys
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, numpy_helper

from face_perception.core import files
from face_perception.core.detectors import YuNetDetector
from face_perception.core.errors import DetectorError, ModelError
from face_perception.core.onnx_files import MOST_BYTES
from face_perception.core.onnx_models import load_classifier, load_detector
from face_perception.core.resources import model_path, share_directory


def test_a_good_file_brings_everything_needed_to_use_it(make_model):
    path = make_model(crop_margin='0.125')
    model = load_classifier(path, 'emotion')
    assert model.labels == ('happy', 'sad', 'neutral')
    assert (model.color, model.input_size, model.crop_margin) == ('gray', 8, 0.125)
    assert not model.mirror  # a file of before says nothing of it
    assert model.version == '9.9'
    assert model.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ('change', 'complaint'),
    [
        ({'labels': None}, "no 'labels'"),
        ({'labels': 'happy, sad'}, "no 'labels'"),
        ({'labels': json.dumps({'happy': 0})}, "no 'labels'"),
        ({'labels': json.dumps(['happy', 'sad'])}, '2 labels for 3 outputs'),
        ({'task': 'gender'}, "task 'gender'"),
        ({'color': 'cmyk'}, "no 'color'"),
        ({'color': 'rgb'}, r'not tensor\(uint8\) \[N, S, S, 3\]'),
        ({'crop_margin': None}, "no 'crop_margin'"),
        ({'crop_margin': 'some'}, "no 'crop_margin'"),
        ({'crop_margin': 'nan'}, "'crop_margin' nan"),
        ({'crop_margin': 'inf'}, "'crop_margin' inf"),
        ({'crop_margin': '1e9'}, r"'crop_margin' 1e\+09"),
        ({'crop_margin': '-0.5'}, "'crop_margin' -0.5"),
        ({'mirror': 'yes'}, "'mirror' yes, not true or false"),
        ({'labels': '[]', 'classes': 0}, "the 'labels' \\[\\]"),
        ({'labels': '["happy", "happy", "sad"]'}, 'not one or more different ones'),
        ({'labels': '[' * 100_000}, "no 'labels'"),
        ({'size': 0}, 'its input is 0 pixels long'),
        ({'size': 20_000}, 'its input is 20000 pixels long'),
        ({'output': 'nan'}, 'no probabilities'),
        ({'output': 'logits'}, 'no probabilities'),
        ({'output': 'failing'}, 'it does not run'),
        ({'output': 'one row'}, r'returned float32 \[1, 3\] for two faces'),
        ({'input_type': TensorProto.FLOAT}, r'not tensor\(uint8\)'),
        ({'input_name': 'x'}, r"inputs \['x'\]"),
        ({'output_name': 'y'}, r"outputs \['y'\]"),
    ],
)
def test_each_broken_part_of_the_contract_is_named(make_model, change, complaint):
    path = make_model(**change)
    with pytest.raises(ModelError, match=complaint) as caught:
        load_classifier(path, 'emotion')
    assert str(path) in str(caught.value) and 'export it' in str(caught.value)


def test_missing_empty_truncated_and_foreign_files_each_get_their_sentence(make_model, tmp_path):
    good = make_model()
    files = {
        'missing.onnx': (None, 'does not exist'),
        'empty.onnx': (b'', 'is empty'),
        'truncated.onnx': (good.read_bytes()[:150], 'no ONNX model'),
        'text.onnx': (b'hello, world', 'no ONNX model'),
    }
    for name, (data, complaint) in files.items():
        path = tmp_path / name
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(ModelError, match=complaint) as caught:
            load_classifier(path, 'emotion')
        assert '\n' not in str(caught.value)
    with pytest.raises(ModelError, match='cannot be read'):
        load_classifier(tmp_path, 'emotion')


def test_what_is_no_regular_file_or_too_large_is_refused_at_once(tmp_path):
    fifo = tmp_path / 'fifo.onnx'
    os.mkfifo(fifo)
    link = tmp_path / 'zero.onnx'
    link.symlink_to('/dev/zero')
    huge = tmp_path / 'huge.onnx'
    with huge.open('wb') as file:
        file.truncate(MOST_BYTES + 1)  # sparse
    for path, words in (
        (fifo, 'no regular file'),
        (link, 'no regular file'),
        (Path('/dev/zero'), 'no regular file'),
        (tmp_path, 'no regular file'),
        (huge, 'larger than 512 MiB'),
        (tmp_path / ('x' * 300), 'cannot be read'),
        (Path('a\0b'), 'cannot be read'),
    ):
        with pytest.raises(ModelError, match=words):
            load_classifier(path, 'emotion')
        with pytest.raises(ModelError, match=words):
            load_detector(path)
        with pytest.raises(DetectorError, match=words):
            YuNetDetector(path)


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / 'growing'
    path.write_bytes(bytes(11))
    monkeypatch.setattr(files, '_check', lambda *_: None)  # it was small enough then
    with pytest.raises(OSError, match='larger than'):
        files.read_bounded(path, 10)


def test_a_list_of_checksums_that_is_none_is_said_and_does_not_hang(make_model):
    path = make_model()
    (path.parent / 'SHA256SUMS').write_bytes(b'\xff\xfe\x00 nonsense\n' * 100)
    load_classifier(path, 'emotion')
    with (path.parent / 'SHA256SUMS').open('wb') as file:
        file.truncate(1 << 30)
    with pytest.raises(ModelError, match='list of checksums'):
        load_classifier(path, 'emotion')


def test_a_home_of_nobody_is_a_path_like_any_other():
    assert str(model_path('~nobody-of-this-name/a.onnx')) == '~nobody-of-this-name/a.onnx'


def test_what_a_file_says_of_itself_is_shown_on_one_bounded_line(make_model):
    model = load_classifier(make_model(version='1\n\x1b[2J' + 'x' * 10_000), 'emotion')
    assert len(model.version) < 120 and model.version.isprintable()
    with pytest.raises(ModelError) as caught:
        load_classifier(make_model(task='\x1b]0;x\x07' + 'y' * 10_000), 'emotion')
    assert str(caught.value).isprintable() and len(str(caught.value)) < 1100
    assert 'export it' in str(caught.value)


@pytest.mark.parametrize('text', [b'9.9', b'crop_margin', b'image', b'probabilities', b'emotion'])
def test_text_in_a_file_that_is_no_utf_8_is_a_damage(make_model, text):
    path = make_model()
    path.write_bytes(path.read_bytes().replace(text, b'\xff' * len(text)))
    with pytest.raises(ModelError) as caught:
        load_classifier(path, 'emotion')
    assert 'no UTF-8' in str(caught.value) or 'no ONNX model' in str(caught.value)


def test_a_missing_onnxruntime_says_what_to_install(make_model, monkeypatch):
    path = make_model()
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    with pytest.raises(ModelError, match='pip install onnxruntime'):
        load_classifier(path, 'emotion')


def test_a_listed_file_with_another_checksum_is_refused_and_an_unlisted_one_is_not(make_model):
    path = make_model()
    listing = path.parent / 'SHA256SUMS'
    listing.write_text(f'{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n')
    load_classifier(path, 'emotion')
    listing.write_text(f'{"0" * 64}  {path.name}\n')
    with pytest.raises(ModelError, match='not the one that was shipped'):
        load_classifier(path, 'emotion')
    listing.write_text(f'{"0" * 64}  other.onnx\n')
    load_classifier(path, 'emotion')


def test_weights_in_a_file_of_their_own_are_told_with_how_to_join_them(make_model, tmp_path):
    path = make_model('own.onnx')
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor), tensor.name))
    onnx.save(model, path, save_as_external_data=True, location='own.data', size_threshold=0)
    with pytest.raises(ModelError, match='a file beside it; make one of both') as caught:
        load_classifier(path, 'emotion')
    assert "onnx.save(onnx.load('own.onnx'), 'whole.onnx')" in str(caught.value)
    onnx.save(onnx.load(path), tmp_path / 'whole.onnx')
    load_classifier(tmp_path / 'whole.onnx', 'emotion')


@pytest.mark.parametrize('change', [{'ir_version': 99}, {'opset_import': 99}])
def test_a_file_of_a_newer_onnx_is_told_as_that(make_model, change):
    path = make_model()
    model = onnx.load(path)
    if 'ir_version' in change:
        model.ir_version = 99
    else:
        model.opset_import[0].version = 99
    onnx.save(model, path)
    with pytest.raises(ModelError, match='made with a newer ONNX; run .pip install --upgrade'):
        load_classifier(path, 'emotion')


def test_a_pointer_of_git_lfs_is_told_as_that(tmp_path):
    path = tmp_path / 'pointer.onnx'
    path.write_text('version https://git-lfs.github.com/spec/v1\noid sha256:1234\nsize 232589\n')
    with pytest.raises(ModelError, match='git lfs pull'):
        load_detector(path)
    with pytest.raises(DetectorError, match='git lfs pull'):
        YuNetDetector(path)


def test_a_bare_name_of_a_file_that_lies_here_is_told_how_to_write_it(make_model, monkeypatch):
    monkeypatch.chdir(make_model('mine.onnx').parent)
    with pytest.raises(ModelError, match=r"write '\./mine\.onnx'"):
        load_classifier(model_path('mine.onnx'), 'emotion')
    with pytest.raises(ModelError, match='correct the model parameter'):
        load_classifier(model_path('other.onnx'), 'emotion')
    load_classifier(model_path('./mine.onnx'), 'emotion')


def test_a_bare_name_is_the_packages_and_a_path_is_the_users():
    assert model_path('a.onnx') == share_directory() / 'models' / 'a.onnx'
    assert str(model_path('./a.onnx')) == 'a.onnx'
    assert str(model_path('/opt/a.onnx')) == '/opt/a.onnx'


def test_every_shipped_model_is_listed_and_loads():
    folder = share_directory() / 'models'
    listed = dict(
        reversed(line.split()) for line in (folder / 'SHA256SUMS').read_text().split('\n') if line
    )
    assert set(listed) == {path.name for path in folder.glob('*.onnx')}
    for name in listed:
        task = name.split('_')[0]
        if task == 'face':
            load_detector(folder / name)
        else:
            load_classifier(folder / name, task)
