"""Small scenes made on the spot: a face is a bright ellipse with two dark eyes."""

import io
import json
import zipfile

import cv2
import numpy as np
import pytest


def draw_scene(random, width=160, height=128, faces=2, smallest=24, largest=56):
    """Return a noisy image uint8 ``[H, W, 3]`` and the boxes x, y, w, h of its faces."""
    image = random.integers(0, 70, (height, width, 3), dtype=np.uint8)
    boxes = []
    for number in range(faces):
        side = int(random.integers(smallest, largest))
        left = int(number * width / faces + random.integers(0, max(1, width // faces - side)))
        top = int(random.integers(0, height - side))
        center = (left + side // 2, top + side // 2)
        cv2.ellipse(image, center, (side // 2, side // 2), 0, 0, 360, (170, 200, 230), -1)
        for way in (-1, 1):
            cv2.circle(
                image,
                (center[0] + way * side // 5, center[1] - side // 8),
                side // 10,
                (20, 20, 20),
                -1,
            )
        boxes.append([left, top, side, side])
    return image, boxes


@pytest.fixture
def scenes_folder(tmp_path):
    """Return a folder with a file of 24 scenes of three occasions; two show no face."""
    random = np.random.default_rng(0)
    images, annotations = [], []
    with zipfile.ZipFile(tmp_path / 'scenes.zip', 'w') as archive:
        for number in range(24):
            image, boxes = draw_scene(random, faces=0 if number in (4, 11) else 2)
            name = f'images/{number:02d}.png'
            archive.writestr(name, cv2.imencode('.png', image)[1].tobytes())
            images.append(
                {
                    'id': number,
                    'file_name': name,
                    'event': 'abc'[number % 3],
                    'width': image.shape[1],
                    'height': image.shape[0],
                }
            )
            annotations += [
                {'image_id': number, 'bbox': box, 'attributes': {'invalid': int(number == 7)}}
                for box in boxes
            ]
        archive.writestr(
            'annotations.json', json.dumps({'images': images, 'annotations': annotations})
        )
    return tmp_path


@pytest.fixture
def rewrite(scenes_folder):
    """Return the function that changes the archive: its annotations, and one image's bytes."""
    path = scenes_folder / 'scenes.zip'

    def change(annotations=lambda content: content, damaged=''):
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        content = json.loads(files['annotations.json'])
        files['annotations.json'] = json.dumps(annotations(content)).encode()
        with zipfile.ZipFile(path, 'w') as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        if damaged:
            written = bytearray(path.read_bytes())
            written[written.index(files[damaged]) + 200] ^= 255
            path.write_bytes(written)
        return path

    return change


@pytest.fixture
def detector_values():
    """Return the settings of a detector's run that takes seconds."""
    return {
        'task': 'face_detection',
        'epochs': 1,
        'batch_size': 4,
        'held_out': ['c'],
        'sizes': [96],
        'long_side': 160,
        'seed': 3,
    }


@pytest.fixture
def broken_zip():
    """Return the bytes of an archive whose annotations name an image that is not there."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, 'w') as archive:
        archive.writestr(
            'annotations.json',
            json.dumps({'images': [{'id': 0, 'file_name': 'gone.png'}], 'annotations': []}),
        )
    return content.getvalue()
