"""The program that publishes images as a camera does."""
