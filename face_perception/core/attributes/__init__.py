"""What is told of a face: crops, classifiers, and their answers over time."""
