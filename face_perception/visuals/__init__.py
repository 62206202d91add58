"""What draws: boxes on pictures, bars, pages, Rerun recordings."""
