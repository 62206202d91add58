"""Who does the tasks of a run."""
