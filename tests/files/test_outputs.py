"""Outputs: what is read is never overwritten, what is there only with ``--force``, and what is no file not at all."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import weightlens
from tests.conftest import SAMPLES
from tests.formats.build import numbered, numbers, objects
from tests.formats.test_write_back import shards
from tests.tiny import write_tiny
from weightlens.cli.main import main
from weightlens.errors import BadInput
from weightlens.files import PART, part_file, replacing

Refused = Callable[..., str]


@pytest.fixture
def refused(capfd: pytest.CaptureFixture[str]) -> Refused:
    """The one line with which a command is refused."""

    def run(*arguments: object) -> str:
        code = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        assert code == 2 and not out and err.startswith("Error: ") and err.count("\n") == 1, (code, out, err)
        return err

    return run


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of every kind that a command reads."""
    folder = tmp_path_factory.mktemp("written")
    (folder / "data.csv").write_text("a,b,y0,y1\n0,0,0,1\n0,1,1,0\n")
    (folder / "config.json").write_text("{}")
    shutil.copy(write_tiny(folder / "tiny.h5"), folder / "other.h5")
    weightlens.export(folder / "tiny.h5", folder / "book.xlsx")
    return folder


@pytest.fixture
def tiny(written: Path, tmp_path: Path) -> Path:
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    return tmp_path / "tiny.h5"


READ = [  # a command, a file that it reads, and what it is called
    ("show tiny.h5", "tiny.h5", "the model tiny.h5"),
    ("show tiny.h5 --tree", "tiny.h5", "the model tiny.h5"),
    ("show tiny.h5 --config config.json", "config.json", "--config config.json"),
    ("trace tiny.h5 --format json", "tiny.h5", "the model"),
    ("trace tiny.h5 -i data.csv", "data.csv", "--input data.csv"),
    ("trace tiny.h5 --cells book.xlsx", "book.xlsx", "--cells book.xlsx"),
    ("predict tiny.h5 -i data.csv", "data.csv", "--input data.csv"),
    ("predict tiny.h5 -i data.csv", "tiny.h5", "the model"),
    ("diff tiny.h5 other.h5", "tiny.h5", "the model tiny.h5"),
    ("diff tiny.h5 other.h5", "other.h5", "the model other.h5"),
    ("export tiny.h5 -i data.csv", "data.csv", "--input data.csv"),
    ("export tiny.h5", "tiny.h5", "the model"),
    ("train-sheet tiny.h5 -i data.csv --target y0,y1", "data.csv", "--input data.csv"),
    ("train-sheet tiny.h5 -i data.csv --target y0,y1 --format table", "tiny.h5", "the model"),
    ("fit tiny.h5 -i data.csv --target y0,y1", "tiny.h5", "the model"),
    ("fit tiny.h5 -i data.csv --target y0,y1", "data.csv", "--input data.csv"),
    ("import book.xlsx tiny.h5", "tiny.h5", "the model"),
    ("import book.xlsx tiny.h5", "book.xlsx", "the workbook book.xlsx"),
    ("import book.xlsx tiny.h5 --config config.json", "config.json", "--config config.json"),
]


@pytest.mark.parametrize(("command", "read", "words"), READ)
@pytest.mark.parametrize("other_name", ["itself", *(pytest.param(name, marks=pytest.mark.slow) for name in ("hard link", "symlink"))])
def test_what_is_read_is_never_overwritten(
    command: str, read: str, words: str, other_name: str, tiny: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny.parent)
    before, target = Path(read).read_bytes(), Path(read)
    if other_name != "itself":
        target = Path("link" + {"export": ".xlsx", "import": ".h5", "fit": ".h5"}.get(command.split()[0], ".txt"))
        target.symlink_to(read) if other_name == "symlink" else target.hardlink_to(read)
    assert f"in use here ({words}" in refused(*command.split(), "-o", target, "--force")
    assert Path(read).read_bytes() == before and not list(Path().glob(".*"))


def test_every_file_of_a_model_is_one_that_is_read(tmp_path: Path, refused: Refused) -> None:
    manifest = shards(tmp_path)
    assert "a part of the model" in refused("show", manifest, "-o", tmp_path / "m_00000.weights.h5", "--force")
    (tmp_path / "w.json").write_text('{"class_name": "Sequential", "config": []}')
    objects(tmp_path / "w.weights.h5", numbered("layers/dense", numbers(2, 2), numbers(2)))
    assert "its architecture" in refused("show", tmp_path / "w.weights.h5", "--format", "json", "-o", tmp_path / "w.json", "--force")
    shutil.unpack_archive(SAMPLES / "digits_mlp.keras", tmp_path / "f.keras", "zip")
    inside = tmp_path / "f.keras" / "config.json"
    assert "a part of the model" in refused("show", inside.parent, "--format", "json", "-o", inside, "--force")
    assert inside.stat().st_size > 100


@pytest.mark.parametrize("model", [".", "/", "..", "", "nowhere.h5", "a" * 300])
def test_what_is_no_model_is_refused_as_such(model: str, tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for command in ("show", "trace", "export"):
        assert "mistake" not in refused(command, model, "-o", "x.xlsx" if command == "export" else "x.txt")
        assert "mistake" not in refused(command, model)
    assert not list(tmp_path.iterdir())


def test_the_library_does_not_overwrite_what_is_read(tmp_path: Path) -> None:
    path = write_tiny(tmp_path / "tiny.xlsx")  # a model under a name that an export has
    before = path.read_bytes()
    with pytest.raises(BadInput, match="in use here"):
        weightlens.export(weightlens.load(path), path)
    assert path.read_bytes() == before


def test_where_standard_output_goes_is_not_replaced(tiny: Path) -> None:
    log = tiny.with_name("log.txt")
    saved = os.dup(1)
    with log.open("wb") as file:
        os.dup2(file.fileno(), 1)
        try:
            assert main(["show", str(tiny), "-o", str(log), "--force"]) == main(["show", str(tiny), "-o", "/dev/stdout", "--force"]) == 2
        finally:
            os.dup2(saved, 1)
            os.close(saved)


def test_what_is_no_file_is_never_replaced(tiny: Path, refused: Refused) -> None:
    fifo, bound, folder = (tiny.with_name(name) for name in ("fifo.xlsx", "socket.xlsx", "folder.xlsx"))
    os.mkfifo(fifo)
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(os.path.relpath(bound))
    for target in (fifo, bound):
        assert "a device, a pipe or a socket" in refused("export", tiny, "-o", target, "--force")
    assert "is a folder" in refused("export", tiny, "-o", folder, "--force")
    link = tiny.with_name("link.xlsx")
    link.symlink_to(fifo)
    assert "a device, a pipe or a socket" in refused("export", tiny, "-o", link, "--force")
    assert stat.S_ISFIFO(fifo.stat().st_mode) and stat.S_ISSOCK(bound.stat().st_mode) and folder.is_dir()


@pytest.mark.parametrize("device", ["/dev/null", "/dev/full", "/dev/stdin"])
def test_devices(device: str, tiny: Path, refused: Refused) -> None:
    before = os.stat(device).st_mode  # noqa: PTH116 - what a link leads to
    refused("show", tiny, "-o", device, "--force")
    assert os.stat(device).st_mode == before  # noqa: PTH116


def test_force_writes_through_links_and_keeps_mode_and_owner(tiny: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    target, link = elsewhere / "real.txt", tmp_path / "link.txt"
    target.write_text("old")
    target.chmod(0o640)
    if not os.geteuid():
        os.chown(target, 1234, 4321)
    owner = target.stat().st_uid, target.stat().st_gid
    link.symlink_to(Path("elsewhere") / "real.txt")
    assert main(["show", str(tiny), "-o", str(link)]) == 2 and target.read_text() == "old"
    assert main(["show", str(tiny), "-o", str(link), "--force"]) == 0
    assert link.is_symlink() and "dense" in target.read_text()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640 and (target.stat().st_uid, target.stat().st_gid) == owner
    assert [path.name for path in elsewhere.iterdir()] == ["real.txt"]


def test_a_new_file_has_the_usual_mode(tiny: Path) -> None:
    old = os.umask(0o027)
    try:
        assert main(["show", str(tiny), "-o", str(tiny.with_name("new.txt"))]) == 0
    finally:
        os.umask(old)
    assert stat.S_IMODE(tiny.with_name("new.txt").stat().st_mode) == 0o640


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_link_to_nowhere_is_refused(force: list[str], tiny: Path, refused: Refused) -> None:
    link, circle = tiny.with_name("link.xlsx"), tiny.with_name("circle.xlsx")
    link.symlink_to("nowhere.xlsx")
    circle.symlink_to("circle.xlsx")
    for path in (link, circle):
        assert "is a link to" in refused("export", tiny, "-o", path, *force)
        assert path.is_symlink()
    assert not tiny.with_name("nowhere.xlsx").exists()


@pytest.fixture(params=["hard links", "no hard links"])
def links(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system with hard links, and one without."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    if request.param == "no hard links":
        monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("links")
def test_of_two_at_the_same_time_one_writes(tmp_path: Path) -> None:
    """Every one has checked that there is nothing when the first takes the place."""
    target, barrier, said = tmp_path / "x.xlsx", threading.Barrier(8), []

    def write(number: int) -> None:
        try:
            with replacing(target) as file:
                file.write(b"%d" % number * 100)
                barrier.wait()
            said.append(number)
        except BadInput as refusal:
            assert "exists already" in str(refusal)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(said) == 1 and target.read_bytes() == b"%d" % said[0] * 100
    assert [path.name for path in tmp_path.iterdir()] == ["x.xlsx"]


@pytest.mark.usefixtures("links")
def test_what_comes_in_the_meantime_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "x.txt"
    with pytest.raises(BadInput, match="exists already"), replacing(target) as file:
        file.write(b"ours")
        target.write_text("theirs")
    assert target.read_text() == "theirs"
    target.unlink()
    with replacing(target) as file:
        file.write(b"ours")
    assert target.read_text() == "ours" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("letter", ["a", "é", "漢", "😀"])
@pytest.mark.parametrize("size", [255, 254, 253, 251])
def test_long_names(letter: str, size: int, tiny: Path) -> None:
    width = len(letter.encode())
    name = letter * ((size - 5) // width) + ".xlsx"
    target = tiny.with_name(name)
    assert main(["export", str(tiny), "--detail", "weights", "-o", str(target)]) == 0
    assert main(["export", str(tiny), "--detail", "weights", "-o", str(target), "--force"]) == 0
    assert not list(tiny.parent.glob(".*"))


def test_names_that_are_none(tiny: Path, refused: Refused) -> None:
    assert "too long" in refused("show", tiny, "-o", tiny.with_name("a" * 260))
    with pytest.raises(BadInput, match="cannot be written"):
        weightlens.export(tiny, tiny.with_name("a\x00b.xlsx"))
    odd = os.fsdecode(bytes(tiny.parent) + b"/\xff\xfe.xlsx")
    assert main(["export", str(tiny), "-o", odd]) == 0 and Path(odd).exists()


def test_what_killed_processes_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    dead, mine = tmp_path / f".x.xlsx.0123456789ab{PART}", tmp_path / ".x.xlsx.part"
    for path in (dead, mine):
        path.write_text("half")
    (tmp_path / f".pipe{PART}").symlink_to(mine)
    with part_file(tmp_path / "other.txt", tmp_path / "other.txt") as living:
        with replacing(tmp_path / "new.txt") as file:
            assert Path(living.name).exists() and Path(file.name).exists() and not dead.exists()
        assert Path(living.name).exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".pipe{PART}", ".x.xlsx.part", "new.txt"]


SUFFIXES = {  # by command: names that it does not write, and one that it does
    "export tiny.h5": (["x.pdf", "x.csv", "x.ods", "x.xls", "x.xlsm", "x.h5", "x"], "x.XLSX"),
    "train-sheet tiny.h5 -i data.csv --target y0,y1 --epochs 1": (["x.html", "x.csv", "x.ods"], "x.xlsx"),
    "show tiny.h5": (["x.html", "x.xlsx", "x.h5", "x.svg"], "x.txt"),
    "show tiny.h5 --tree": (["x.html", "x.xml"], "x.txt"),
    "show tiny.h5 --format csv": (["x.xlsx", "x.html", "x.tsv", "x.npy"], "x.csv"),
    "show tiny.h5 --format json": (["x.csv", "x.js", "x.yaml"], "x.json"),
    "show tiny.h5 --format npy --grep bias": (["x.csv", "x.h5", "x.mat", "x"], "x.npy"),
    "trace tiny.h5": (["x.html", "x.xlsx"], "x.txt"),
    "trace tiny.h5 --format json": (["x.html", "x.csv"], "x.json"),
    "predict tiny.h5 -i 0,1": (["x.xlsx", "x.npy"], "x.csv"),
    "diff tiny.h5 other.h5": (["x.patch", "x.html"], "x.txt"),
    "fit tiny.h5 -i data.csv --target y0,y1 --epochs 1": (["x.keras", "x.xlsx", "x.onnx", "x"], "x.h5"),
    "import book.xlsx tiny.h5": (["x.keras", "x.xlsx", "x.tflite", "x"], "x.hdf5"),
}


@pytest.mark.parametrize("command", SUFFIXES)
def test_an_output_is_called_what_it_is(command: str, tiny: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny.parent)
    wrong, right = SUFFIXES[command]
    for name in wrong:
        assert name in refused(*command.split(), "-o", name)
        assert not Path(name).exists()
    assert main([*command.split(), "-o", right]) in (0, 1) and Path(right).exists()


def test_the_format_that_writes_such_a_file_is_named(tiny: Path, refused: Refused) -> None:
    for suffix, words in {".csv": "--format csv", ".json": "--format json", ".npz": "--format npy"}.items():
        assert words in refused("show", tiny, "--format", "table", "-o", tiny.with_name(f"x{suffix}"))


def test_a_folder_that_cannot_be_written_in(tiny: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write everywhere, so the system's answer is put in its mouth."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "nothing may be written in the folder" in refused("export", tiny, "-o", tiny.with_name("x.xlsx"))
    monkeypatch.undo()
    real = os.open

    def read_only(path: str, flags: int, *rest: int) -> int:
        if flags & os.O_CREAT:
            raise OSError(30, "Read-only file system", path)
        return real(path, flags, *rest)

    monkeypatch.setattr(os, "open", read_only)
    assert "Read-only file system" in refused("export", tiny, "-o", tiny.with_name("x.xlsx"))


def test_no_two_parts_have_one_name(tmp_path: Path) -> None:
    with part_file(tmp_path / "a", tmp_path / "a") as first, part_file(tmp_path / "a", tmp_path / "a") as second:
        assert first.name != second.name
    assert not list(itertools.islice(tmp_path.iterdir(), 1))
