"""Documents: links and files that they name exist, and the README stays short."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path
    for pattern in ('*.md', 'docs/*.md', 'models/*.md', 'benchmarks/*.md')
    for path in ROOT.glob(pattern)
)
FOLDERS = ('benchmarks', 'cmake', 'config', 'docs', 'examples', 'face_perception', 'launch')
FOLDERS += ('models', 'msg', 'scripts', 'test', '.github')
LINK = re.compile(r'\]\(([^)\s]+)\)')
CODE = re.compile(r'`([^`\n]+)`')
#: A path below a folder of this repository.  What else has a slash are topics and types.
NAMED = re.compile(rf'(?<![\w/.~$)-])(?:{"|".join(map(re.escape, FOLDERS))})/[\w./*-]+')
#: Messages are named after the folder too: `face_perception/Face`.
INTERFACES = {f'face_perception/{path.stem}' for path in (ROOT / 'msg').glob('*.msg')}


def anchors(text: str) -> set[str]:
    """Return the names under which GitHub reaches the headings of a page."""
    prose = re.sub(r'^```.*?^```', '', text, flags=re.DOTALL | re.MULTILINE)
    return {
        re.sub(r'[^\w -]', '', heading.lower()).replace(' ', '-')
        for heading in re.findall(r'^#+ +(.*?) *$', prose, flags=re.MULTILINE)
    }


def dead_links(page: Path) -> list[str]:
    """Return the relative links of ``page`` that lead to no file or to no heading."""
    dead = []
    for link in LINK.findall(page.read_text(encoding='utf-8')):
        if re.match(r'\w+:', link):
            continue
        name, _, anchor = link.partition('#')
        target = page.parent / name if name else page
        if not target.exists() or (
            anchor and anchor not in anchors(target.read_text(encoding='utf-8'))
        ):
            dead.append(link)
    return dead


def missing_files(text: str) -> list[str]:
    """Return the paths of this repository that ``text`` names as code and that are not there."""
    fenced = re.findall(r'^```.*?^```', text, flags=re.DOTALL | re.MULTILINE)
    prose = re.sub(r'^```.*?^```', '', text, flags=re.DOTALL | re.MULTILINE)
    named = {
        path.rstrip('./')
        for piece in [*fenced, *CODE.findall(prose)]
        for path in NAMED.findall(piece)
    } - INTERFACES
    return sorted(path for path in named if not any(ROOT.glob(path)))


def test_the_documents_are_found():
    assert {'README.md', 'docs/parameters.md'} <= {str(p.relative_to(ROOT)) for p in PAGES}


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page):
    assert dead_links(page) == []


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_is_named_exists(page):
    assert missing_files(page.read_text(encoding='utf-8')) == []


def test_the_readme_is_short_and_links_every_page():
    text = (ROOT / 'README.md').read_text(encoding='utf-8')
    assert len(text.splitlines()) <= 150
    links = set(LINK.findall(text))
    assert {f'docs/{page.name}' for page in (ROOT / 'docs').glob('*.md')} <= links


def test_dead_links_and_missing_files_are_seen(tmp_path):
    page = tmp_path / 'page.md'
    page.write_text('# A heading\n[a](#a-heading) [b](#no) [c](none.md) [d](https://x.org/y)\n')
    assert dead_links(page) == ['#no', 'none.md']
    text = 'See `docs/none.md`, `docs/parameters.md`, `face_perception/FaceArray`, `msg/*.msg`.'
    assert missing_files(text) == ['docs/none.md']
