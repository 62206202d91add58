"""
Labelled faces to train and to measure on, in the forms in which people have them.

``load_task(recipe, data)`` returns the training and the validation set, ``load_samples(task,
data, margin)`` images to measure on.  ``data`` is a file or a folder, or several of these; what
each holds is found out by looking.

======= ==================================================== =======================================
task    form                                                 held out for validation
======= ==================================================== =======================================
both    crops with boxes: a ``.zip`` or folder with          a fifth of the persons, a tenth of the
        ``index.csv``, see ``face_crops``                    others, or as its column ``split`` says
emotion ``fer2013_train.npz``, ``fer2013_public.npz``        PublicTest
emotion ``fer2013.csv`` or ``icml_face_data.csv``, the file  PublicTest; PrivateTest is not read,
        or its folder; FER+'s ``fer2013new.csv`` beside it   but for ``load_samples(split='test')``
        gives the votes
emotion a folder per class: ``angry disgust fear happy sad   ``validation``, ``val``, ``valid`` or
        surprise neutral``, under ``train`` and              ``test`` beside ``train``; else a tenth
        ``validation`` or without                            by the hash of the file's name
gender  ``utkface_train.zip`` with ``index.csv``, or that    a tenth by the hash of the file's name
        folder unpacked
gender  UTKFace's own files, "aligned and cropped", in one   a tenth by the hash of the file's name
        folder or several:
        ``[age]_[gender]_[race]_[date&time].jpg.chip.jpg``
gender  IMDB-WIKI: ``imdb.mat``, ``wiki.mat`` and the        a tenth by the hash of the file's name
        images beside them, whole or cropped (needs SciPy)
gender  a folder per class: ``female male``                  as with emotion
======= ==================================================== =======================================

Malformed data (an image that is missing, empty or cannot be decoded, a wrong number of pixels,
a label out of range, a bad name, an unknown folder) stop the reading with a ``DatasetError``
that names them; with ``malformed='skip'`` they are left out with warnings and a count.  The real
UTKFace has a few bad names and IMDB-WIKI a few missing images: they need ``skip``.

Images of a class folder or of FER-2013 show the face and nothing around it; they are scaled
to the network's input.  Others become canvases with a border to move the crop in.
"""

from .datasets import DatasetError, FaceSet, Sample, one_hot
from .tasks import Data, load_samples, load_task
from .utkface import RACES

__all__ = [
    'RACES',
    'Data',
    'DatasetError',
    'FaceSet',
    'Sample',
    'load_samples',
    'load_task',
    'one_hot',
]
