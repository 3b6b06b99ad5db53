"""Every output file: written completely or not at all, and never over a file that is being read.

A file is written in the folder of its final path under a name that ends in ``.part``, and renamed when it is complete. It
is locked while its process lives, so files left by killed processes are recognized, and removed at the next write.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from weightlens.errors import BadInput
from weightlens.stopping import CleanupPending

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

LOCKS = os.name == "posix"  # on Windows a file that is open can be neither removed nor replaced
if LOCKS:
    import fcntl

PART = ".weightlens.part"
SHOWN = 40  # bytes of the final name kept in a temporary name: the whole stays below every file system's limit
WORKBOOK = (".xlsx",)
STANDARD_OUTPUT = Path("-")
STREAMS = (("standard input", 0), ("standard output", 1), ("standard error", 2))

StrPath = str | os.PathLike[str]
Inputs = Sequence[tuple[str, StrPath | None]]  # inputs as (label for the user, path or other text)


def check_output(path: Path, force: bool = False, inputs: Inputs = (), suffixes: Sequence[str] = ()) -> Path:
    """Refuse an output that cannot be written, before any work is done; returns the path with links resolved."""
    refuse_standard_output(path)
    place, old = resolve_output(path)
    if old is not None:
        refuse_old(path, old, inputs)
    check_suffix(path, suffixes)
    if old is not None and not force:
        raise BadInput(f"{path}: exists already; --force overwrites it")
    if not place.parent.is_dir():
        raise BadInput(f"{path}: there is no folder {place.parent}")
    if not os.access(place.parent, os.W_OK | os.X_OK):
        raise BadInput(f"{path}: cannot be written (nothing may be written in the folder {place.parent})")
    return place


def refuse_standard_output(path: Path | None) -> None:
    """Refuse ``-`` where what is written is nothing for standard output."""
    if path == STANDARD_OUTPUT:
        raise BadInput("-: stands for standard output, and what is written here needs a file: name one")


def check_suffix(path: Path, suffixes: Sequence[str], otherwise: str = "") -> None:
    """Refuse a suffix of another kind of file; ``suffixes`` are the accepted ones, the usual one first."""
    if suffixes and path.suffix.lower() not in suffixes:
        raise BadInput(f"{path}: what is written is a {suffixes[0]} file: name it {path.stem}{suffixes[0]}{otherwise}")


def resolve_output(path: Path) -> tuple[Path, os.stat_result | None]:
    """The path with links resolved, and the status of a file already there; a broken link is refused."""
    try:
        old = path.stat()
        return path.resolve(strict=True) if path.is_symlink() and stat.S_ISREG(old.st_mode) else path, old
    except (OSError, ValueError) as error:
        number = getattr(error, "errno", None)
        if number in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP) and path.is_symlink():
            raise BadInput(f"{path}: is a link to {path.readlink()}, where there is no file; name the file itself") from None
        if number in (errno.ENOENT, errno.ENOTDIR):
            return path, None
        raise unwritable(path, error) from None


def refuse_old(path: Path, old: os.stat_result, inputs: Inputs) -> None:
    """Refuse to replace what is not a regular file, or is an input or an open stream, under whatever name."""
    if stat.S_ISDIR(old.st_mode):
        raise BadInput(f"{path}: is a folder; name a file in it")
    if not stat.S_ISREG(old.st_mode):
        raise BadInput(f"{path}: is a device, a pipe or a socket, which no file can replace; name a file")
    for words, file in (*inputs, *STREAMS):
        if file is not None and same_file(file, old):
            name = words if isinstance(file, int) else f"{words} {file}"
            raise BadInput(f"{path}: exists already and is in use here ({name}): that is never overwritten, also with --force")


def same_file(file: StrPath | int, old: os.stat_result) -> bool:
    """Whether a path or open file is the file with this status."""
    try:
        return os.path.samestat(os.stat(file), old)  # noqa: PTH116 - or a number of an open file
    except (OSError, ValueError):  # an input such as "0,1" is no file at all
        return False


@contextlib.contextmanager
def replacing(path: Path, force: bool = False, inputs: Inputs = (), suffixes: Sequence[str] = ()) -> Iterator[io.BufferedRandom]:
    """A file that appears at ``path`` when it is complete; after an error the old file is still there.

    Before it is renamed it can be read again, and opened by its ``name``.
    """
    place = check_output(path, force, inputs, suffixes)
    mode = stat.S_IMODE(place.stat().st_mode) & 0o777 | 0o600 if place.exists() else 0o666
    with part_file(place, path, mode) as file:
        yield file
        try:
            file.flush()
            if force:  # the new file is on the disk before the old one is replaced, in case of a power failure
                os.fsync(file.fileno())
            file.close()
            take_place(Path(file.name), check_output(path, force, inputs, suffixes), force)
        except OSError as error:
            raise unwritable(path, error) from None


@contextlib.contextmanager
def replacing_several(paths: Sequence[Path], force: bool = False, inputs: Inputs = ()) -> Iterator[list[io.BufferedRandom]]:
    """Files in one folder that appear at ``paths`` when all are complete, the first one last; their folder is made if it is not there.

    After an error no file has changed, and a folder that was made is gone again.
    """
    folder = paths[0].parent
    made = not folder.exists()
    if made and not folder.parent.is_dir():
        raise BadInput(f"{folder}: there is no folder {folder.parent}")
    try:
        if made:
            folder.mkdir()
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(replacing(path, force, inputs)) for path in paths]
    except OSError as error:
        raise unwritable(folder, error) from None
    finally:
        if made:
            with contextlib.suppress(OSError):  # it has files in it
                folder.rmdir()


def check_new_folder(path: Path) -> None:
    """Refuse the place of a new folder that cannot be made; what is there already is never overwritten."""
    if path.exists() or path.is_symlink():
        raise BadInput(f"{path}: exists already; what is written is a new folder, and never over an old one")
    check_output(path)


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder that appears at ``path`` when it is complete; after an error there is none."""
    import shutil

    check_new_folder(path)
    made = path.with_name(f".{os.fsencode(path.name)[:SHOWN].decode('utf-8', 'ignore')}.{os.urandom(6).hex()}{PART}")
    with CleanupPending():
        try:
            made.mkdir()
            yield made
            check_new_folder(path)
            made.rename(path)
        except OSError as error:
            raise unwritable(path, error) from None
        finally:
            shutil.rmtree(made, ignore_errors=True)


@contextlib.contextmanager
def part_file(place: Path, shown: Path, mode: int = 0o600) -> Iterator[io.BufferedRandom]:
    """A temporary file next to ``place``, removed at the end unless it was moved there; errors name the path ``shown``."""
    with CleanupPending():
        remove_left_over(place.parent)
        try:
            file, lock = create_locked(place, shown, mode)
        except OSError as error:
            raise unwritable(shown, error) from None
        try:
            yield file
        finally:
            file.raw.close()  # what is still to be written is not needed
            with contextlib.suppress(OSError):  # it took its place, or its folder is gone
                Path(file.name).unlink()
            if lock is not None:
                os.close(lock)


class OutputFile(io.FileIO):
    """A file whose write errors name the final path."""

    shown = Path()

    def write(self, data: ReadableBuffer) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise unwritable(self.shown, error) from None


def create_locked(place: Path, shown: Path, mode: int) -> tuple[io.BufferedRandom, int | None]:
    """A new locked file, and a descriptor that holds the lock after the file is closed."""
    while True:
        start = os.fsencode(place.name)[:SHOWN].decode("utf-8", "ignore")
        name = place.with_name(f".{start}.{os.urandom(6).hex()}{PART}")
        raw = OutputFile(str(name), "x+", opener=lambda path, flags: os.open(path, flags, mode))
        raw.shown = shown
        file = io.BufferedRandom(raw, 1 << 16)
        if not LOCKS:
            return file, None
        with contextlib.suppress(OSError):  # not every file system has locks: there, nothing is removed either
            fcntl.flock(raw.fileno(), fcntl.LOCK_EX)
        if same_file(name, os.fstat(raw.fileno())):
            return file, os.dup(raw.fileno())
        file.close()  # another process removed it as left over before it was locked


def remove_left_over(folder: Path) -> None:
    """Remove temporary files left by killed processes; those of living processes are locked."""
    if not LOCKS:
        return
    with contextlib.suppress(OSError):
        for path in folder.glob(f".*{PART}"):
            with contextlib.suppress(OSError):
                remove_unlocked(path)


def remove_unlocked(path: Path) -> None:
    """Remove a file unless a process has locked it."""
    handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if stat.S_ISREG(os.fstat(handle).st_mode):
            path.unlink()
    finally:
        os.close(handle)


def take_place(made: Path, place: Path, force: bool) -> None:
    """Move a complete file to its final name; with ``force``, over an old file, keeping its mode and owner."""
    if not force:
        link_new(made, place)
        return
    if place.exists():
        old = place.stat()
        with contextlib.suppress(OSError, AttributeError):  # only root may give files away; not all systems have owners
            os.chown(made, old.st_uid, old.st_gid)
        made.chmod(stat.S_IMODE(old.st_mode) & 0o777)
    made.replace(place)


def link_new(made: Path, place: Path) -> None:
    """Move a file to a name that must be unused: of two processes doing so at once, one fails."""
    try:
        try:
            os.link(made, place)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links: an empty file keeps the place
            os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            try:
                made.replace(place)
            except BaseException:
                place.unlink()
                raise
    except FileExistsError:
        raise BadInput(f"{place}: exists already: another process has written it in the meantime") from None


def unwritable(path: Path, error: OSError | ValueError) -> BadInput:
    """The refusal of an output after an error of the operating system."""
    return BadInput(f"{path}: cannot be written ({getattr(error, 'strerror', None) or error})")


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A temporary folder for files that other programs read."""
    import tempfile

    with CleanupPending(), tempfile.TemporaryDirectory(prefix="weightlens-") as folder:
        yield Path(folder)
