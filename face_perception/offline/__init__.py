"""
Bags, videos and images: the same perception without a running ROS graph.

Nothing here imports rclpy or a message package: bags are read and written by rosbags.
"""
