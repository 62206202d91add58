"""The files that are made of a recording."""
