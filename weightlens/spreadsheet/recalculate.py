"""Make a real spreadsheet program compute a workbook's formulas afresh.

LibreOffice trusts the cached values of a workbook, so a conversion proves nothing: they are blanked first. Whatever
is read afterwards was computed by the program named in ``Book.engine``. IronCalc (``pip install ironcalc``)
is a spreadsheet engine in a Python package, for where no office program is installed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

from weightlens.errors import WeightlensError
from weightlens.files import scratch_folder
from weightlens.spreadsheet.cell_values import Book, defined_names, read_book, sheet_parts
from weightlens.zips import read_member

Changes = Mapping[tuple[str, str], float]  # (sheet, reference) -> the number to write there first

CACHED = re.compile(rb"</f>\s*<v>[^<]*</v>")
CACHED_OF_SHARED = re.compile(rb"(<f\b[^>]*/>)\s*<v>[^<]*</v>")  # a formula that stands in another cell
PRINTING = re.compile(rb'<definedName [^>]*name="_xlnm\.Print_[^>]*>[^<]*</definedName>')  # titles take half of LibreOffice's time to read
# Formulas are computed whatever is cached, and no version of LibreOffice is new here: a new one tries out how well it draws, for a second.
SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
<item oor:path="/org.openoffice.Setup/Product"><prop oor:name="ooSetupLastVersion" oor:op="fuse"><value>99.9</value></prop></item>
</oor:items>"""
MANY = 20  # from this many workbooks on, a second program is worth its start
AT_ONCE = 100  # LibreOffice 7.4 crashes at the 247th file of one start
SECONDS = 600  # for one start of an office program, and as long again for every ten workbooks


def recalculate(book: str | Path, engine: str | None = None, changes: Changes | None = None) -> Book:
    """Compute one workbook's formulas afresh, with ``changes`` to its cells; the file itself is not changed."""
    [computed] = recalculate_all([book], engine, [changes or {}])
    if isinstance(computed, WeightlensError):
        raise computed
    return computed


def recalculate_all(
    books: Sequence[str | Path], engine: str | None = None, changes: Sequence[Changes] = ()
) -> list[Book | WeightlensError]:
    """Compute several workbooks in one start of the program, which takes most of the time; an error for each that fails."""
    name = choose_engine(engine)
    changes = changes or [{}] * len(books)
    with scratch_folder() as scratch:
        blank, done = scratch / "blank", scratch / "done"
        blank.mkdir()
        done.mkdir()
        files = [blank / f"{number}.xlsx" for number in range(len(books))]
        for book, file, change in zip(books, files, changes, strict=True):
            blank_cached_values(Path(book), file, change)
        COMPUTE[name](files, done)
        return [read_result(Path(book), done / file.name, name) for book, file in zip(books, files, strict=True)]


def read_result(book: Path, computed: Path, engine: str) -> Book | WeightlensError:
    """The computed workbook, under the original's path and with its defined names (engines may rename them)."""
    if not computed.exists():
        return WeightlensError(f"{engine} could not recalculate {str(book)!r}")
    fresh = read_book(computed)
    fresh.path, fresh.engine = book, engine
    with zipfile.ZipFile(book) as archive:
        fresh.names = defined_names(archive)
    return fresh


def installed_engines() -> list[str]:
    """The installed engines, the best witness first."""
    present = {
        "libreoffice": shutil.which("soffice"),
        "gnumeric": shutil.which("ssconvert"),
        "ironcalc": importlib.util.find_spec("ironcalc"),
    }
    return [name for name in COMPUTE if present[name]]


def choose_engine(engine: str | None = None) -> str:
    """The engine asked for, or the best one installed."""
    if engine is not None and engine not in COMPUTE:
        raise WeightlensError(f"no spreadsheet engine is called {engine!r}; known are: {', '.join(COMPUTE)}")
    installed = installed_engines()
    if engine is None and installed:
        return installed[0]
    if engine is None or engine not in installed:
        raise WeightlensError(
            f"{engine or 'a spreadsheet engine'} is not installed; install LibreOffice or Gnumeric, or: python -m pip install ironcalc"
        )
    return engine


def blank_cached_values(source: Path, target: Path, changes: Changes) -> None:
    """Copy a workbook without the cached results of its formulas and what is only for paper, and with ``changes`` to its cells."""
    try:
        with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
            parts = sheet_parts(old) if changes else {}
            for entry in old.infolist():
                data = read_member(old, entry.filename)
                if entry.filename.startswith("xl/worksheets/") and entry.filename.endswith(".xml"):
                    data = CACHED.sub(b"</f>", data)
                    data = CACHED_OF_SHARED.sub(rb"\1", data) if b"<f " in data else data
                elif entry.filename == "xl/workbook.xml":
                    data = PRINTING.sub(b"", data)
                elif entry.filename.startswith("xl/worksheets/_rels/"):
                    data = data.replace(b'Target="/xl/', b'Target="../')  # openpyxl's notes; IronCalc reads relative paths only
                for (sheet, reference), number in changes.items():
                    if parts[sheet] == entry.filename:
                        data = write_number(data, reference, number)
                new.writestr(entry.filename, data)
    except (OSError, zipfile.BadZipFile) as trouble:
        raise WeightlensError(f"{str(source)!r} is not an .xlsx workbook that can be read ({trouble})") from None


def write_number(xml: bytes, reference: str, number: float) -> bytes:
    """A sheet's XML with another number in one cell; the cell's style is kept."""
    cell = re.compile(rb'<c r="%s"((?: s="\d+")?)[^>]*?(?:/>|>.*?</c>)' % reference.encode(), re.S)
    changed, count = cell.subn(rb'<c r="%s"\1><v>%s</v></c>' % (reference.encode(), repr(float(number)).encode()), xml, count=1)
    if not count:
        raise WeightlensError(f"there is no cell {reference} to change")
    return changed


def with_libreoffice(files: Sequence[Path], done: Path) -> None:
    """LibreOffice, in profiles of its own: one start for all the files, two at a time for many. It writes 15 digits."""
    parts = [files[::2], files[1::2]] if len(files) >= MANY else [files]
    run_in_parallel(len(parts), lambda number: run_libreoffice(parts[number], done, done.parent / f"profile {number}"), range(len(parts)))


def run_libreoffice(files: Sequence[Path], done: Path, profile: Path) -> None:
    """One LibreOffice for several files; restarted where it crashes. A file that crashes it twice is left out."""
    command = libreoffice(profile, "xlsx", done)
    waiting, suspect = list(files), None
    while waiting:
        attempt, rest = waiting[:AT_ONCE], waiting[AT_ONCE:]
        run_program([*command, *map(str, attempt)], len(attempt))
        left = [file for file in attempt if not (done / file.name).exists()]
        if left and left[0] == suspect:
            del left[0]
        suspect = left[0] if left else None
        waiting = left + rest


def libreoffice(profile: Path, suffix: str, folder: Path) -> list[str]:
    """The command that converts files into a folder, in a profile of its own: two that run at the same time need two."""
    (profile / "user").mkdir(parents=True, exist_ok=True)
    (profile / "user" / "registrymodifications.xcu").write_text(SETTINGS)
    return ["soffice", f"-env:UserInstallation={profile.as_uri()}", "--headless", "--convert-to", suffix, "--outdir", str(folder)]


def with_gnumeric(files: Sequence[Path], done: Path) -> None:
    """Gnumeric's converter, once for every file, two at a time."""
    run_in_parallel(2, lambda file: run_program(["ssconvert", "--recalc", str(file), str(done / file.name)], 1), files)


def with_ironcalc(files: Sequence[Path], done: Path) -> None:
    """IronCalc, in a process of its own: it ends the process that it runs in where it finds no memory."""
    run_program([sys.executable, "-P", "-c", IRONCALC, *map(str, files), str(done)], len(files))


IRONCALC = """
import pathlib, sys, ironcalc
*files, done = map(pathlib.Path, sys.argv[1:])
for file in files:
    try:
        model = ironcalc.load_from_xlsx(str(file), "en", "UTC", "en")
        model.evaluate()
        (done / file.name).write_bytes(model.to_xlsx())
    except BaseException:  # its panics are no Exceptions; half a file, on a full disk, is none
        (done / file.name).unlink(missing_ok=True)
"""
RUNNING: set[subprocess.Popen[bytes]] = set()  # programs to stop if we are interrupted


def run_program(command: list[str], files: int) -> None:
    """Run an office program quietly; the caller sees which workbooks it did not write."""
    with subprocess.Popen(command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True) as program:
        RUNNING.add(program)
        try:
            program.wait(SECONDS * (1 + files // 10))
            if program not in RUNNING:  # it did not end by itself
                raise WeightlensError(f"{command[0]} was stopped")
        except subprocess.TimeoutExpired:
            kill_process_group(program)
            raise WeightlensError(f"{command[0]} gave no answer in {SECONDS * (1 + files // 10)} seconds") from None
        finally:
            RUNNING.discard(program)


def run_in_parallel(count: int, work: Callable[[Any], None], items: Iterable[Any]) -> None:
    """Apply a function to each item, a few at a time; if interrupted, stop the programs it started."""
    with ThreadPoolExecutor(count) as pool:
        try:
            list(pool.map(work, items))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            while RUNNING:
                kill_process_group(RUNNING.pop())
            raise


def kill_process_group(program: subprocess.Popen[bytes]) -> None:
    """End a program and its child processes (``soffice`` is a script)."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL) if hasattr(os, "killpg") else program.kill()


COMPUTE: dict[str, Callable[[Sequence[Path], Path], None]] = {
    "libreoffice": with_libreoffice,
    "gnumeric": with_gnumeric,
    "ironcalc": with_ironcalc,
}
