"""How much of a task is done, for progress bars of every rich since 11.2 (Ubuntu 22.04)."""

from __future__ import annotations

from rich.progress import ProgressColumn, Task
from rich.text import Text


class DoneOfTotal(ProgressColumn):
    """Shows ``3/10``, or ``3/?`` where the total is not known; rich 11.2 has no such column."""

    def render(self, task: Task) -> Text:
        """Return the text for ``task``."""
        total = '?' if task.total is None else str(int(task.total))
        return Text(f'{int(task.completed):>{len(total)}}/{total}', style='progress.download')
