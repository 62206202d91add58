"""Which detections belong to the same person."""
