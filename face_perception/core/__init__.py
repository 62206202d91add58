"""Perception without ROS: detection, tracking, attributes."""
