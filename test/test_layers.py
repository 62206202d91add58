"""The package's rooms stand on floors: imports run down only, and never in a circle."""

import ast
import re
from pathlib import Path

import face_perception

#: What each room may import beside itself; ``cli`` and what is not listed are free.
BELOW = {
    'core': set(),
    'media': {'core'},
    'visuals': {'core'},
    'console': {'core'},
    'ros': {'core', 'media', 'visuals', 'console', 'msg'},
    'offline': {'core', 'media', 'visuals', 'console'},
    'tools': {'core', 'media', 'visuals', 'console', 'ros', 'offline', 'msg'},
    'training': {'core', 'media', 'console'},
}


def modules():
    """Return the path of each module, by its name within the package."""
    root = Path(face_perception.__file__).parent
    found = {}
    for path in root.rglob('*.py'):
        parts = path.relative_to(root).with_suffix('').parts
        if parts[0] != 'msg':  # it is generated
            found['.'.join(parts[:-1] if parts[-1] == '__init__' else parts)] = path
    return found


def imports(name, path, known):
    """Return what a module imports of the package, at its top, in functions and for types."""
    package = ['face_perception', *name.split('.')][: None if path.stem == '__init__' else -1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            target = '.'.join([*base, *([node.module] if node.module else [])])
            found |= {f'{target}.{alias.name}' for alias in node.names}
    inside = {one.removeprefix('face_perception.') for one in found if is_ours(one)}
    # An imported name is of the module that holds it, unless it is a module itself.
    return {one if one in known else one.rpartition('.')[0] for one in inside} - {name, ''}


def is_ours(name):
    return name.startswith('face_perception.')


def graph():
    known = modules()
    return {name: imports(name, path, known) for name, path in known.items() if name}


def test_no_room_imports_upwards():
    wrong = [
        f'{name} imports {target}'
        for name, targets in graph().items()
        for target in sorted(targets)
        if (room := name.split('.')[0]) in BELOW
        and target.split('.')[0] not in BELOW[room] | {room}
    ]
    assert wrong == []


def test_every_room_has_its_floor():
    rooms = {name.split('.')[0] for name in graph() if '.' in name}
    assert rooms == set(BELOW)


def test_no_imports_run_in_a_circle():
    reached = {name: set(targets) for name, targets in graph().items()}
    for middle in reached:  # Warshall's transitive closure
        for targets in reached.values():
            if middle in targets:
                targets |= reached[middle]
    circles = {
        frozenset(other for other in targets if name in reached.get(other, ()))
        for name, targets in reached.items()
        if name in targets
    }
    assert [sorted(circle) for circle in circles] == []


def test_the_drawing_has_the_floors():
    page = Path(__file__).parents[1] / 'docs' / 'architecture.md'
    drawing = page.read_text(encoding='utf-8').partition('flowchart TD')[2].partition('```')[0]
    reached = {room: set() for room in BELOW}
    for upper, lower in re.findall(r'(\w+) --> (\w+)', drawing):
        reached[upper].add(lower)
    for middle in reached:
        for targets in reached.values():
            if middle in targets:
                targets |= reached[middle]
    assert reached == {room: below - {'msg'} for room, below in BELOW.items()}
