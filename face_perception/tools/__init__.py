"""What a user runs: a camera without hardware, a demo."""
