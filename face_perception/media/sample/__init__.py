"""The built-in sample: a person who moves before a camera."""
