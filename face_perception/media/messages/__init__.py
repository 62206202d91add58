"""Between images and the fields of messages."""
