"""``weightlens predict`` of many files at once: the same numbers, each once, and only what is not there yet."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.auditing.networks import mlp, write
from tests.auditing.store import rng_of
from tests.conftest import SAMPLES
from tests.tiny import write_tiny
from weightlens.cli.main import main
from weightlens.workers import do_all

Run = Callable[..., tuple[int, str, str]]
ROWS = 1300  # more than are computed at a time


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: object) -> tuple[int, str, str]:
        code = main(["predict", *map(str, arguments)])
        return code, *capfd.readouterr()

    return run


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A model and three parts of its inputs."""
    write(mlp(rng_of(2)), tmp_path / "m.keras")
    rows = int(np.prod(weights_in(tmp_path / "m.keras")))
    for i in range(3):
        np.savetxt(tmp_path / f"part-{i}.csv", rng_of(i).normal(size=(ROWS, rows)), delimiter=",")
    return tmp_path


def weights_in(path: Path) -> tuple[int, ...]:
    import weightlens

    shape = weightlens.load(path).layers[0].config["batch_shape"]
    return tuple(shape[1:])


def predicted(here: Path, i: int, run: Run) -> bytes:
    assert run(here / "m.keras", "-i", here / f"part-{i}.csv", "-o", here / f"alone-{i}.csv")[0] == 0
    return (here / f"alone-{i}.csv").read_bytes()


@pytest.mark.parametrize("workers", [1, 2])
def test_parts_are_predicted_as_alone(here: Path, run: Run, workers: int) -> None:
    code, out, _ = run(here / "m.keras", "-i", here / "part-*.csv", "-o", here / "out", "--workers", workers)
    assert code == 0 and "predictions of 3 parts" in out
    for i in range(3):
        assert (here / "out" / f"part-{i}.csv").read_bytes() == predicted(here, i, run), "to the bit"


@pytest.mark.parametrize("workers", [1, 2])
def test_parts_as_dask_and_spark_name_them_become_parquet(here: Path, run: Run, workers: int) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa

    for i in range(2):
        x = np.loadtxt(here / f"part-{i}.csv", delimiter=",")
        parquet.write_table(pa.table({f"c{j}": column for j, column in enumerate(x.T)}), here / f"part.{i}.snappy.parquet")
    shape = (here / "m.keras", "-i", here / "part.*.parquet", "-o", here / "out", "--format", "parquet", "--workers", workers)
    assert run(*shape)[0] == 0 and sorted(path.name for path in (here / "out").iterdir()) == [
        "part.0.snappy.parquet",
        "part.1.snappy.parquet",
    ]
    for i in range(2):
        made = parquet.read_table(here / "out" / f"part.{i}.snappy.parquet")
        lines = predicted(here, i, run).decode().splitlines()
        assert made.column_names == lines[0].split(",")
        assert np.array_equal(np.column_stack([*map(np.asarray, made.columns)]), [[*map(float, line.split(","))] for line in lines[1:]])
    assert "2 of them before" in run(*shape)[1]
    code, out, err = run(here / "m.keras", "-i", here / "part.*.parquet", "-o", here / "out", "--format", "xlsx")
    assert (code, out) == (2, "") and "it is one of csv, json, parquet" in err
    assert run(here / "m.keras", "-i", here / "part-0.csv", "--format", "parquet", "-o", here / "one.parquet")[0] == 0
    assert parquet.read_table(here / "one.parquet").equals(parquet.read_table(here / "out" / "part.0.snappy.parquet"))


def test_what_is_there_is_not_done_again(here: Path, run: Run) -> None:
    run(here / "m.keras", "-i", here / "part-*.csv", "-o", here / "out")
    (here / "out" / "part-1.csv").unlink()
    (here / "out" / "part-0.csv").write_text("kept")
    code, out, _ = run(here / "m.keras", "-i", here / "part-*.csv", "-o", here / "out")
    assert code == 0 and "2 of them before" in out and (here / "out" / "part-0.csv").read_text() == "kept"
    assert (here / "out" / "part-1.csv").stat().st_size > 1000
    run(here / "m.keras", "-i", here / "part-*.csv", "-o", here / "out", "--force")
    assert (here / "out" / "part-0.csv").stat().st_size > 1000


@pytest.mark.parametrize("workers", [1, 2])
def test_notes_are_as_of_one_file_and_quiet_reaches_the_workers(here: Path, run: Run, workers: int) -> None:
    odd = write_tiny(here / "odd.h5", bias=[float("nan"), 1])
    for name in ("a", "b"):
        (here / f"row-{name}.csv").write_text(f"x0,x1,{name}\n0,1,2\n")
    command = [sys.executable, "-m", "weightlens", "predict", odd, "-i", here / "row-*.csv", "-o", here / "out", "--workers", str(workers)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "of 2 parts" in done.stdout and done.stderr.count("left out: ") == 2
    assert done.stderr.count("NaN or infinite numbers are in the weights dense/bias (1 of 2)") == 1
    done = subprocess.run([*command, "--force", "--quiet"], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert "predictions of 1 part." in run(odd, "-i", here / "row-a*.csv", "-o", here / "one")[1]


def test_a_part_that_fails_keeps_no_other_from_being_done(here: Path, run: Run) -> None:
    (here / "part-0.csv").write_text("a,b\nx,y\n")
    code, _, err = run(here / "m.keras", "-i", here / "part-*.csv", "-o", here / "out")
    assert (
        code == 2
        and "1 of 3 parts failed" in err
        and sorted(path.name for path in (here / "out").iterdir()) == ["part-1.csv", "part-2.csv"]
    )


def test_refusals(here: Path, run: Run) -> None:
    assert "name a folder" in run(here / "m.keras", "-i", here / "part-*.csv")[2]
    assert "there is no such file" in run(here / "m.keras", "-i", here / "none-*.csv", "-o", here / "out")[2]
    assert "holds the inputs" in run(here / "m.keras", "-i", here / "part-*.csv", "-o", here)[2]
    (here / "part-0.npy").write_bytes(b"")
    (here / "links").mkdir()
    for read in (here / "m.keras", here / "part-2.csv"):
        (here / "links" / "part-1.csv").symlink_to(read)
        before = read.read_bytes()
        assert "holds the inputs" in run(here / "m.keras", "-i", here / "part-*.csv", "-o", here / "links", "--force")[2]
        assert read.read_bytes() == before
        (here / "links" / "part-1.csv").unlink()
    assert "have one name" in run(here / "m.keras", "-i", here / "part-*", "-o", here / "out")[2]


@pytest.mark.slow
def test_on_a_cluster_and_from_a_url(here: Path, run: Run) -> None:
    pytest.importorskip("distributed")
    fsspec = pytest.importorskip("fsspec")
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa

    assert run(here / "m.keras", "-i", here / "part-*.csv", "-o", here / "cluster", "--scheduler", "local", "--workers", "2")[0] == 0
    assert (here / "cluster" / "part-2.csv").read_bytes() == predicted(here, 2, run)
    x = np.loadtxt(here / "part-1.csv", delimiter=",")
    parquet.write_table(pa.table({f"c{i}": column for i, column in enumerate(x.T)}), here / "x.parquet")
    fsspec.filesystem("memory").pipe("/parts/part-1.parquet", (here / "x.parquet").read_bytes())
    code, _, err = run(here / "m.keras", "-i", "memory://parts/part-*.parquet", "-o", here / "remote")
    assert code == 0, err
    assert (here / "remote" / "part-1.csv").read_bytes() == predicted(here, 1, run)


def test_ctrl_c_ends_the_processes(here: Path) -> None:
    for i in range(3, 80):
        (here / f"part-{i}.csv").write_bytes((here / "part-0.csv").read_bytes())
    command = [sys.executable, "-m", "weightlens", "predict", here / "m.keras", "-i", here / "part-*.csv", "-o", here / "out"]
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, "--workers", "2"], stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        while not list(here.glob("out/*.csv")):
            assert process.poll() is None
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        out, err = process.communicate(timeout=60)  # until no process has the pipes any more
    assert process.returncode == 130 and not out and not err


def half_sent(marker: str) -> bytes:
    """A result the second half of which never comes."""
    whole = Connection._send  # type: ignore[attr-defined]

    def half(connection: Connection, data: bytes) -> None:
        whole(connection, data[: len(data) // 2])
        Path(marker).touch()
        time.sleep(600)

    Connection._send = half  # type: ignore[attr-defined]
    return bytes(1_000_000)


INTERRUPTED = """
import sys, time
from pathlib import Path
from tests.cli.test_cli_parts import half_sent
from weightlens.workers.processes import pool
with pool(1) as executor:
    executor.submit(half_sent, sys.argv[1])
    while not Path(sys.argv[1]).exists():
        time.sleep(0.02)
    raise KeyboardInterrupt
"""


def test_half_a_result_is_not_waited_for(tmp_path: Path) -> None:
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path / "half")]
    assert subprocess.run(command, cwd=SAMPLES.parent, stderr=subprocess.DEVNULL, timeout=60).returncode != 0


def dies_of_zero(number: int) -> int:
    if not number:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_what_was_not_yet_given_to_a_process_that_died_is_done() -> None:
    made = {}
    for number, result in do_all(dies_of_zero, [1, 2, 0, *range(3, 60)], 2):
        made[number] = result
        time.sleep(0.3 if len(made) < 3 else 0)  # until the process has died
    assert made == {0: None} | {number: number for number in range(1, 60)}


@pytest.mark.slow
def test_parts_of_a_dask_frame_are_predicted_as_alone(here: Path, run: Run) -> None:
    """On two processes of a cluster, as docs/audit.md has it."""
    pd = pytest.importorskip("pandas")
    frames = pytest.importorskip("dask.dataframe")
    distributed = pytest.importorskip("distributed")
    import weightlens

    path, shape = str(here / "m.keras"), weights_in(here / "m.keras")
    whole = np.concatenate([np.loadtxt(here / f"part-{i}.csv", delimiter=",") for i in range(3)])
    rows = frames.from_pandas(pd.DataFrame(whole), npartitions=3)

    def predicted_part(part: Any) -> Any:
        return pd.DataFrame(weightlens.predict(path, part)[0], index=part.index)

    with distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster, distributed.Client(cluster):
        made = rows.map_partitions(predicted_part, meta=predicted_part(rows.head(1))).compute().to_numpy()
    lines = b"".join(predicted(here, i, run).partition(b"\n")[2] for i in range(3)).decode().splitlines()
    assert shape == whole.shape[1:] and np.array_equal(made, [[*map(float, line.split(","))] for line in lines])
