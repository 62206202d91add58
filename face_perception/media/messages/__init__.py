"""Between pictures and the fields of messages."""
