"""Draws the moving picture of the README: the built-in sample as the pipeline sees it."""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

from face_perception import FacePipeline
from face_perception.media.sample.sample import SampleScene
from face_perception.visuals.boxes import annotate

SIZE = (480, 360)
#: Images per second; a browser draws them as evenly as it can.
RATE = 10.0
#: Of 100: small letters stay readable, and the file is below a megabyte.
QUALITY = 40


def draw(path: Path) -> None:
    """Write one round of the sample to ``path`` (.webp), seen for the second time."""
    scene = SampleScene(*SIZE, RATE)
    pipeline = FacePipeline.load()
    frames = []
    # In the first round identities begin: a picture that is repeated should not show that.
    for index in range(2 * len(scene)):
        image = scene.frame(index % len(scene))
        result = pipeline(image, time_s=index / RATE)
        if index >= len(scene):
            drawn = annotate(image, list(result.faces))
            frames.append(Image.fromarray(drawn[..., ::-1].copy()))
    frames[0].save(
        path,
        save_all=True,
        append_images=frames[1:],
        duration=round(1000 / RATE),
        loop=0,
        quality=QUALITY,
        method=4,
    )
    print(f'{path}: {len(frames)} images, {path.stat().st_size / 1e6:.2f} MB')


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('output', nargs='?', type=Path, default=Path('docs/demo.webp'))
    draw(parser.parse_args().output)
