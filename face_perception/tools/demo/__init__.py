"""The program that runs camera and node, and shows how they do."""
