"""Programs beside the node: a camera without hardware, a player, a demo, a viewer."""
