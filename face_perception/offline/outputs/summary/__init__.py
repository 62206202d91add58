"""One image that says what was in a recording."""
