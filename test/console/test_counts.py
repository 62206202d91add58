"""The count beside a bar, on every rich that a distribution has."""

import io

import pytest

rich = pytest.importorskip('rich', reason='needs rich (the extra offline)')


@pytest.mark.parametrize('total, shown', [(10, ' 3/10'), (None, '3/?')])
def test_a_bar_tells_how_much_of_how_much_is_done(total, shown):
    from rich.console import Console
    from rich.progress import Progress

    from face_perception.console.counts import DoneOfTotal

    written = io.StringIO()
    with Progress(
        DoneOfTotal(), console=Console(file=written, force_terminal=True, width=40)
    ) as progress:
        progress.add_task('frames', total=total, completed=3)
    assert shown in written.getvalue()
