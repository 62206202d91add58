"""
Training of the face detector: an anchor-free network, its data, its loss and its measures.

``scenes`` reads images with boxes, ``augmentation`` changes them at random, ``network`` is what is
trained, ``assignment`` and ``losses`` say what it should have predicted, ``learner`` puts these
together for the trainer, ``average_precision`` measures and ``graph`` writes the ONNX file.
"""
