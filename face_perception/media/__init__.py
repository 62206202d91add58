"""Images in and out of files, cameras, bags and messages; nothing here imports rclpy."""
