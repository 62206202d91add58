"""What is written down about a finished input, and whether it still holds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..core.files import read_bounded
from ..core.networks import FaceNetworks
from ..core.timing import OFFLINE_STAGES, Timings
from ..media.bags.reader import METADATA, is_bag, storage_files
from ..media.bags.sqlite_file import newest_of
from ..media.images.files import images_in
from .names import readable, resolved
from .types import Job, JobReport

REPORT = 'report.json'
#: Its bytes at most, which are room for two million images of a folder, and what its entries are.
MOST_REPORT_BYTES = 2**27
_KINDS = {'state': str, 'reason': str, 'files': list, 'skipped': dict, 'frames': int, 'faces': int}
#: Reasons for skipped frames that are told apart.
MOST_REASONS = 50


@dataclass
class Counts:
    """What is counted while an input is worked on; ``skipped`` is by reason."""

    frames: int = 0
    faces: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    stages: dict[str, float] = field(default_factory=lambda: dict.fromkeys(OFFLINE_STAGES, 0.0))

    def add_frame(self, faces: int, timings: Timings) -> None:
        """Count a frame and what it took."""
        self.frames += 1
        self.faces += faces
        for name in OFFLINE_STAGES:
            self.stages[name] += getattr(timings, name)

    def add_skipped(self, reason: str) -> None:
        """Count a frame that could not be used."""
        reason = readable(reason)
        if reason not in self.skipped and len(self.skipped) >= MOST_REASONS:
            reason = 'other reasons'
        self.skipped[reason] = self.skipped.get(reason, 0) + 1

    @property
    def first_reason(self) -> str:
        """Return why the first frame was skipped."""
        return next(iter(self.skipped), '')


def conditions(job: Job, networks: FaceNetworks) -> dict:
    """Return all that the files of a job depend on, as plain data for JSON."""
    models = {
        'detector': getattr(networks.detector, 'model', None),
        **{name: classifier.model for name, classifier in networks.classifiers.items()},
    }
    return {
        'version': package_version(),
        'input': {'path': readable(resolved(job.source)), **fingerprint(job.source)},
        'options': {
            'outputs': sorted(job.outputs),
            'anonymize': job.anonymize,
            'topics': sorted(job.topics),
            'annotated': job.annotated,
            'max_pixels': job.max_pixels,
            'pipeline': asdict(job.settings),
        },
        'models': {name: model.sha256 for name, model in models.items() if model is not None},
    }


def fingerprint(source: Path) -> dict:
    """
    Return size, time of change and names of an input's files, without reading them.

    Raises ``SourceError`` for a folder without images.
    """
    files = [source]
    if is_bag(source):
        files = storage_files(source) if source.is_dir() else [source]
        files += [log for file in files if (log := newest_of(file)) is not None]
        files.append(source / METADATA)
    elif source.is_dir():
        files = images_in(source)
    states = [
        (path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files if path.exists()
    ]
    return {
        'files': len(states),
        'size': sum(size for _, size, _ in states),
        'mtime_ns': max((mtime for _, _, mtime in states), default=0),
        'listing_sha256': hashlib.sha256(json.dumps(states).encode()).hexdigest(),
    }


def write_report(folder: Path, under: dict, counts: Counts, report: JobReport) -> None:
    """Write ``report.json`` into ``folder``, where the files of ``report`` are."""
    frames = max(counts.frames, 1)
    document = {
        'state': report.state,
        'reason': report.reason,
        **under,
        'frames': counts.frames,
        'faces': counts.faces,
        'skipped': counts.skipped,
        'seconds': round(report.seconds, 3),
        'mean_ms': {
            name: round(1e3 * seconds / frames, 3) for name, seconds in counts.stages.items()
        },
        'files': [str(path.relative_to(folder)) for path in report.files],
        'bytes': [path.stat().st_size for path in report.files],
    }
    text = json.dumps(document, indent=1, ensure_ascii=False)
    (folder / REPORT).write_text(f'{text}\n', encoding='utf-8')


def read_report(folder: Path) -> dict | None:
    """Return what ``write_report`` wrote, ``None`` where there is nothing of ours."""
    try:
        document = json.loads(read_bounded(folder / REPORT, MOST_REPORT_BYTES).decode())
        ours = (
            isinstance(document['input']['path'], str)
            and all(isinstance(document[name], kind) for name, kind in _KINDS.items())
            and all(isinstance(name, str) for name in document['files'])
            and all(isinstance(count, int) for count in document['skipped'].values())
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return document if ours else None


def kept_report(job: Job, under: dict) -> JobReport | None:
    """Return the report of a folder that is whole and was made under the same conditions."""
    document = read_report(job.folder)
    if document is None or any(
        document.get(name) != value for name, value in json.loads(json.dumps(under)).items()
    ):
        return None
    files = tuple(job.folder / name for name in document['files'])
    if document.get('bytes') != [path.stat().st_size for path in files if path.is_file()]:
        return None
    return JobReport(
        job.source,
        'kept' if document['state'] == 'done' else document['state'],
        document['reason'],
        document['frames'],
        document['faces'],
        sum(document['skipped'].values()),
        files=files,
    )


def package_version() -> str:
    """Return the version of this package, ``''`` where colcon installed it."""
    try:
        return version('face_perception')
    except PackageNotFoundError:
        return ''
