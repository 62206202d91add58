"""What is in recordings for the Rerun viewer."""

import re
import subprocess
import sys
from collections import Counter


def rerun(*arguments):
    """Run Rerun's own program on a recording and return what it prints."""
    done = subprocess.run(
        [sys.executable, '-m', 'rerun_cli', 'rrd', *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows_per_entity(path):
    """Return how many rows of data each entity has, by entity and kind of data."""
    rows = Counter()
    for number, entity, columns in re.findall(
        r'^Chunk\(\w+\) with (\d+) rows .*? - (/.*?) - data columns: \[(.*)\]$',
        rerun('print', path),
        re.MULTILINE,
    ):
        if not entity.startswith(
            ('/__', '/view', '/container', '/time_panel', '/selection_panel', '/blueprint_panel')
        ):
            kinds = {column.partition(':')[0] for column in columns.split()}
            assert len(kinds) == 1, columns
            rows[entity.replace('\\', ''), kinds.pop()] += int(number)
    return dict(rows)
