"""What running nodes see, in the viewer as it happens."""
