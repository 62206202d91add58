"""What draws: boxes on images, bars, pages, Rerun recordings."""
