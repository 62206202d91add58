"""The program that plays a recording as fast as the node takes it."""
