"""What is told of a face: crops, classifiers, and labels over time."""
