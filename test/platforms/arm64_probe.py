"""What arm64.py runs on both machines: writes what the networks answer for its images."""

import json
import sys
import time
from pathlib import Path

import cv2
import onnxruntime

from face_perception import FacePipeline

folder, output = map(Path, sys.argv[1:])
pipeline = FacePipeline.load()
frames = []
begin = time.perf_counter()
for number, path in enumerate(sorted(folder.glob('*.png'))):
    result = pipeline(cv2.imread(str(path)), time_s=number / 10)
    frames.append(
        [
            {
                'box': [face.box.x, face.box.y, face.box.width, face.box.height],
                'score': float(face.score),
                'emotion': [float(share) for share in face.emotion.probabilities],
                'gender': [float(share) for share in face.gender.probabilities],
            }
            for face in result.faces
        ]
    )
seconds = time.perf_counter() - begin
_, lossy = cv2.VideoCapture(str(folder / 'lossy.avi')).read()
versions = {'onnxruntime': onnxruntime.__version__, 'opencv': cv2.__version__}
output.write_text(
    json.dumps({'frames': frames, 'seconds': seconds, 'lossy': lossy.tolist(), **versions})
)
