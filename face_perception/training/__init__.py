"""
Training of the classifiers: networks, data, recipes, evaluation, export.

Needs the extra ``train`` (PyTorch).  Nothing outside this folder imports it.
"""
