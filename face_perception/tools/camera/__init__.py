"""The program that publishes pictures as a camera does."""
