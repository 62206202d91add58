"""How the node watches itself and its input: diagnostics, silence, clocks."""
