"""One picture that says what was in a recording."""
