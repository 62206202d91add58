"""Recordings of ROS 2: opening, what is left of broken ones, the images in them."""
