"""Cases given to the command line one after another in a process of their own, which is watched.

A fault is a traceback, a "mistake in weightlens", an exit code that means something else, more than 512 MB, more than 20
seconds, or a process that dies.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import re
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.case import REPOSITORY, Case

CLASSES = ("hdf5", "archives", "tfjs", "savedmodel", "workbooks", "tables", "arrays", "pictures", "kinds")
SECONDS, MEGABYTES = 20, 512
CODES = {0, 2}


def case(kind: str, number: int) -> Case:
    """Case ``number`` of a class: always the same."""
    made: Case = importlib.import_module(f"tests.fuzz.{kind}").make(Random(f"{kind} {number}"))
    return made


def answer(found: Case) -> dict[str, Any]:
    """Exit code, output and errors of a case, run in this process and in the folder that it is in."""
    from weightlens.cli.main import main

    for left in Path().iterdir():  # by the case before; HDF5 takes a file for the one that it has open, by the inode
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    for name, data in found.files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(data)
    out, errors = io.TextIOWrapper(io.BytesIO(), "utf-8", "replace"), io.StringIO()
    started, code = time.process_time(), -1
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            code = main(list(found.command))
        except BaseException:
            traceback.print_exc(file=errors)
    out.flush()
    return {"code": code, "seconds": time.process_time() - started, "errors": errors.getvalue(), "size": out.buffer.tell()}


def fault(found: Case, given: dict[str, Any]) -> str:
    """What is wrong with an answer; empty where nothing is."""
    code, errors = given["code"], given["errors"]
    if "mistake in weightlens" in errors or "Traceback" in errors:
        return errors.strip().splitlines()[-1]
    if "not enough memory" in errors:
        return f"more than {MEGABYTES} MB"
    if code not in CODES | ({1} if found.may_differ else set()):
        return f"exit code {code}"
    if code == 2 and len(re.findall("^Error: .", errors, re.MULTILINE)) != 1:
        return f"no one line that says why: {errors!r}"
    return f"{given['seconds']:.0f} s" if given["seconds"] > SECONDS else ""


def work(kind: str, numbers: range) -> None:
    """Run cases here, saying which one is begun and what came of it, a line of JSON each."""
    pipe = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.environ.pop("WEIGHTLENS_DEBUG", None)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        answer(case(kind, numbers.start))  # everything is imported before memory is limited
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEGABYTES * 2**20,) * 2)
        for number in numbers:
            found = case(kind, number)
            print(json.dumps({"begun": number}), file=pipe, flush=True)
            given = answer(found)
            print(json.dumps({"number": number, "code": given["code"], "fault": fault(found, given)}), file=pipe, flush=True)
        os.chdir("/")


def watched(kind: str, numbers: range) -> Iterator[dict[str, Any]]:
    """What comes of each case; a process that hangs or dies is a fault of the case it was at, and the next begins after it."""
    while numbers:
        command = [sys.executable, "-m", "tests.fuzz.run", kind, str(numbers.start), str(numbers.stop)]
        with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as worker:
            at = numbers.start
            for line in lines(worker):
                at = line.get("begun", at)
                if "number" in line:
                    yield line
                    at = line["number"] + 1
            if at < numbers.stop:
                died = worker.poll() is not None
                worker.kill()
                yield {"number": at, "code": -1, "fault": f"died ({worker.wait()})" if died else f"hangs ({3 * SECONDS} s)"}
                at += 1
        numbers = range(at, numbers.stop)


def lines(worker: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    """What a worker says, until it says nothing for too long."""
    assert worker.stdout is not None
    rest = b""
    while select.select([worker.stdout], [], [], 3 * SECONDS)[0]:
        data = os.read(worker.stdout.fileno(), 1 << 16)
        if not data:
            worker.wait()
            return
        *whole, rest = (rest + data).split(b"\n")
        yield from map(json.loads, whole)


if __name__ == "__main__":
    work(sys.argv[1], range(int(sys.argv[2]), int(sys.argv[3])))
