"""The command line: exit codes, messages, what is written where."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

import weightlens
from tests.cli.conftest import Run
from tests.conftest import SAMPLES
from tests.formats.build import dense, functional, given, layer, legacy, node, numbers, sequential
from tests.tiny import BIAS, KERNEL, write_tiny
from weightlens.call_order import names_of
from weightlens.cli.main import COMMANDS, main
from weightlens.model import Ref
from weightlens.spreadsheet.cell_values import read_book


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny(tmp_path / "tiny.h5")


def refusal(result: tuple[int, str, str]) -> str:
    """The one line on stderr of a refused command."""
    code, _, err = result
    assert code == 2 and err.count("\n") == 1 and err.startswith("Error: ") and "Traceback" not in err
    return err


def test_help_and_version(run: Run) -> None:
    assert run("--version") == (0, f"weightlens {weightlens.__version__}\n", "")
    code, out, _ = run("--help")
    assert code == 0 and all(name in out for name in COMMANDS)
    assert run()[1] == out
    for name in COMMANDS:
        code, out, _ = run(name, "--help")
        assert code == 0 and f"weightlens {name} " in out, "every command's help has an example"


def test_show(run: Run, tiny: Path) -> None:
    code, out, err = run("show", tiny)
    assert code == 0 and not err and "dense · Dense · softmax · 6 parameters" in out and "-2.0000" in out
    assert "\x1b" not in out and max(map(len, out.splitlines())) <= 80
    code, out, _ = run("show", tiny, "--layer", "dense", "-p", "1")
    assert code == 0 and "units 2" in out and "-2.0 " not in out and "1.5  -2.0" in out.replace("    ", "  ")
    assert "bias" not in run("show", tiny, "--grep", "KERN")[1]


def test_show_statistics(run: Run, tiny: Path) -> None:
    code, out, _ = run("show", tiny, "--stats")
    assert code == 0 and "min -2  max 1.5  mean 0.1875" in out and "█" in out


def test_a_slice_leaves_out_what_has_no_such_part(run: Run, tiny: Path) -> None:
    code, out, _ = run("show", tiny, "--slice", "0,:1")
    assert code == 0 and "kernel[0,:1]" in out and "bias[" not in out
    code, out, err = run("show", tiny, "--slice", "0,0,0")
    assert (code, out) == (2, "") and "3 parts" in err


def test_show_slice(run: Run, tiny: Path) -> None:
    code, out, _ = run("show", tiny, "--grep", "kernel", "--slice", "1,:1")
    assert code == 0 and "kernel[1,:1]" in out and "0.2500" in out and "1.5000" not in out


def test_show_json(run: Run, tiny: Path) -> None:
    code, out, _ = run("show", tiny, "--format", "json")
    found = json.loads(out)
    assert code == 0 and found["parameters"] == 6 and found["keras_version"] == "3.5.0" and len(found["sha256"]) == 64
    dense = found["layers"][1]
    assert (dense["class_name"], dense["activation"]) == ("Dense", "softmax")
    assert [w["values"] for w in dense["weights"]] == [KERNEL, BIAS]
    found = json.loads(run("show", tiny, "--format", "json", "--stats")[1])
    assert found["layers"][1]["weights"][0]["statistics"]["smallest"] == -2


def test_show_csv(run: Run, tiny: Path, tmp_path: Path) -> None:
    assert run("show", tiny, "--grep", "kernel", "--format", "csv")[1] == "1.5,-2.0\n0.25,1.0\n"
    assert run("show", tiny, "--format", "csv")[1].splitlines()[:2] == ["matrix,index,value", "dense/kernel,0 0,1.5"]
    third = write_tiny(tmp_path / "third.h5", kernel=[[1 / 3, 0.1]], bias=[0, 0])
    assert float(run("show", third, "--grep", "kernel", "--format", "csv")[1].split(",")[0]) == np.float32(1 / 3), "exactly what is stored"


def test_csv_is_no_place_for_formulas(run: Run, tmp_path: Path) -> None:
    file = write_tiny(tmp_path / "x.h5", name="=cmd|'x'!A0")
    assert run("show", file, "--format", "csv")[1].splitlines()[1].startswith("'=cmd|")


def test_show_parquet(run: Run, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert run("show", tiny, "--format", "parquet", "-o", tmp_path / "all.parquet")[0] == 0
    table = parquet.read_table(tmp_path / "all.parquet")
    rows = [row for row in table.to_pylist() if row["matrix"] == "dense/kernel"]
    assert [row["index"] for row in rows] == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert [row["value"] for row in rows] == np.ravel(KERNEL).tolist()
    assert json.loads(table.schema.metadata[b"weightlens"])["dense/kernel"] == {"shape": [2, 2], "dtype": "float32"}
    assert run("show", tiny, "--slice", "1,:", "--format", "parquet", "-o", tmp_path / "row.parquet")[0] == 0
    assert parquet.read_table(tmp_path / "row.parquet")["value"].to_pylist() == KERNEL[1]
    assert ".parquet" in refusal(run("show", tiny, "--format", "parquet", "-o", tmp_path / "a.json"))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "pip install pyarrow" in refusal(run("show", tiny, "--format", "parquet", "-o", tmp_path / "none.parquet"))
    assert not (tmp_path / "none.parquet").exists()


def test_show_npy(run: Run, tiny: Path, tmp_path: Path) -> None:
    assert run("show", tiny, "--grep", "kernel", "--format", "npy", "-o", tmp_path / "k.npy")[0] == 0
    assert np.load(tmp_path / "k.npy").tolist() == KERNEL
    assert run("show", tiny, "--format", "npy", "-o", tmp_path / "all.npz")[0] == 0
    assert np.load(tmp_path / "all.npz")["dense/bias"].tolist() == BIAS
    assert "2 are chosen" in refusal(run("show", tiny, "--format", "npy", "-o", tmp_path / "two.npy"))
    assert not (tmp_path / "two.npy").exists()


def test_show_tree(run: Run, tiny: Path) -> None:
    with h5py.File(tiny, "a") as file:
        file["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/x")
        file["soft"] = h5py.SoftLink("/soft")
        file["loop"] = file["/"]
    code, out, _ = run("show", tiny, "--tree")
    assert code == 0 and "kernel  (2, 2) float32" in out and "@keras_version = 3.5.0" in out
    assert "-> /etc/passwd:/x (another file, not followed)" in out and "-> /soft (link, not followed)" in out and "shown above" in out


def test_trace(run: Run, tiny: Path) -> None:
    code, out, _ = run("trace", tiny, "-i", "0,1")
    assert code == 0 and "0*1.5 + 1*0.25 = 0.25" in out
    found = json.loads(run("trace", tiny, "-i", "0,1;1,1", "--format", "json")[1])
    assert found["steps"][0]["words"] == "dot product = input . kernel" and found["steps"][0]["values"] == [[0.25, 1.0], [1.75, -1.0]]
    assert np.allclose(found["outputs"], weightlens.load(tiny).predict([[0, 1], [1, 1]])) and not found["stopped"]


def test_trace_without_input_uses_the_truth_table(run: Run, tiny: Path) -> None:
    code, said, note = run("trace", tiny)
    assert code == 0 and "sample 3" in said and "Note: no input was given (-i): these are all combinations of 0 and 1\n" in note
    assert "no input was given" not in run("trace", tiny, "-i", "0,1")[2] + run("trace", tiny, "--quiet")[2]


def test_predict(run: Run, tiny: Path, tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(57, 2))
    np.savetxt(tmp_path / "x.csv", rows, delimiter=",", header="a,b", comments="")
    code, _, err = run("predict", tiny, "-i", tmp_path / "x.csv", "-o", tmp_path / "y.csv", "--rows", 10)
    assert code == 0 and not err
    header, *lines = (tmp_path / "y.csv").read_text().splitlines()
    assert header == "y0,y1"
    assert np.array_equal(np.array([line.split(",") for line in lines], float), weightlens.load(tiny).predict(rows)[0])
    assert run("predict", tiny, "-i", "0,1")[1].startswith("y0,y1\n0.731")


def test_diff(run: Run, tiny: Path, tmp_path: Path) -> None:
    other = write_tiny(tmp_path / "other.h5", bias=[0.5, -1.5])
    assert run("diff", tiny, tiny)[0] == 0
    code, out, err = run("diff", tiny, other)
    assert code == 1 and not err and "dense/bias" in out and "differs: 1 of 2 matrices" in out
    code, out, _ = run("diff", tiny, other, "--format", "json")
    assert code == 1 and json.loads(out)["weights"][1]["largest"] == 0.25
    assert run("diff", tiny, other, "--tolerance", 0.3)[0] == 0


def test_output_goes_to_a_file_all_at_once(run: Run, tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.txt"
    assert run("show", tiny, "-o", out) == (0, "", "")
    before = out.read_text()
    assert "dense" in before and "exists already" in refusal(run("trace", tiny, "-o", out)) and out.read_text() == before
    assert run("trace", tiny, "-o", out, "--force")[0] == 0 and out.read_text() != before
    assert "1 column" not in refusal(run("predict", tiny, "-i", "1,2,3", "-o", tmp_path / "y.csv"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.txt", "tiny.h5"], "nothing is left behind"


@pytest.mark.parametrize(("command", "kind"), [
    ("show {or} -o {}", "csv"), ("show {or} -o {}", "json"), ("show {or} --summary -o {}", "md"), ("trace {or} -o {}", "json"),
    ("predict {or} -i 0,1 -o {}", "json"), ("diff {or} {or} -o {}", "json"), ("audit {or} -o {}", "sarif"),
    ("train-sheet {or} -i {data} --target y -o {}", "json"),
])  # fmt: skip
def test_the_ending_of_the_output_says_its_format(run: Run, tmp_path: Path, command: str, kind: str) -> None:
    places = {"or": str(SAMPLES / "or.h5"), "data": str(SAMPLES / "or_data.csv")}
    by_ending, asked = tmp_path / f"by_ending.{kind}", tmp_path / f"asked.{kind}"
    given = {"md": "markdown"}.get(kind, kind)
    assert run(*(word.format(by_ending, **places) for word in command.split()))[0] == 0
    assert run(*(word.format(asked, **places) for word in command.split()), "--format", given)[0] == 0
    assert by_ending.read_bytes() == asked.read_bytes()


BAD: list[tuple[tuple[str, ...], str]] = [
    (("show", "{dir}/nowhere.h5"), "no such file"),
    (("show", "{dir}/text.h5"), "text.h5"),
    (("show", "{dir}/cut.h5"), "cut.h5"),
    (("show", "{dir}/empty.h5"), "empty.h5"),
    (("show", "{dir}/text.h5", "--tree"), "text, not a model"),
    (("show", "{tiny}", "--layer", "dens"), "did you mean 'dense'?"),
    (("show", "{tiny}", "--grep", "nothing"), "no matrix has a name"),
    (("show", "{tiny}", "--grep", "("), "not a regular expression"),
    (("show", "{tiny}", "--grep", "kernel", "--slice", "9"), "no index 9"),
    (("show", "{tiny}", "--format", "xml"), "table, csv, json, npy, parquet"),
    (("show", "{tiny}", "-o", "{dir}/no/folder.txt"), "there is no folder"),
    (("show", "{tiny}", "-o", "{dir}"), "is a folder"),
    (("trace", "{tiny}", "-i", "1,2,3"), "takes 2 numbers per sample"),
    (("trace", "{tiny}", "-i", "0,a"), "'a' is not a number"),
    (("trace", "{tiny}", "-i", "nowhere.csv"), "no such file"),
    (("trace", "{tiny}", "--layer", "x y"), "there is no layer 'x y'"),
    (("trace", "{tiny}", "--layers", "dense..x"), "name the earlier one first"),
    (("trace", "{tiny}", "--layers", "..nix"), "there is no layer"),
    (("export", "{tiny}", "-o", "{tiny}"), "exists already"),
    (("export", "{tiny}", "-o", "{dir}/no/x.xlsx"), "there is no folder"),
    (("diff", "{tiny}", "{dir}/nowhere.h5"), "no such file"),
    (("predict", "{tiny}"), "--input"),
    (("shwo", "{tiny}"), "show"),
    (("show", "{tiny}", "--format", "csv", "-o", "{dir}/new.json"), "name it new.csv (or use --format json)"),
    (("trace", "{tiny}", "--format", "table", "-o", "{dir}/new.json"), "name it new.txt (or use --format json)"),
    (("trace", "{tiny}", "-o", "{dir}/new.csv"), "name it new.txt (or .json)"),
    (("show", "{tiny}", "--ful"), "--full"),
    (("show",), "MODEL"),
    (("show", "{tiny}", "--precision", "x"), "precision"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_one_clear_line(run: Run, tiny: Path, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    (tmp_path / "text.h5").write_text("this is not a model")
    (tmp_path / "cut.h5").write_bytes(tiny.read_bytes()[:1500])
    (tmp_path / "empty.h5").write_bytes(b"")
    before = sorted(tmp_path.iterdir())
    assert message in refusal(run(*(argument.format(dir=tmp_path, tiny=tiny) for argument in arguments)))
    assert sorted(tmp_path.iterdir()) == before, "nothing is written"


def test_an_unknown_layer_stops_the_trace_but_not_the_listing(run: Run, tmp_path: Path) -> None:
    file = write_tiny(tmp_path / "custom.h5")
    with h5py.File(file, "a") as opened:
        config = json.loads(opened.attrs["model_config"])
        config["config"]["layers"].append({"class_name": "Mystery", "config": {"name": "mystery"}})
        config["config"]["layers"].append({"class_name": "Activation", "config": {"name": "last", "activation": "relu"}})
        opened.attrs["model_config"] = json.dumps(config)
    assert run("show", file)[0] == 0
    code, out, err = run("trace", file, "-i", "0,1")
    assert code == 2 and "'mystery' (Mystery)" in err and "0*1.5 + 1*0.25" in out, "what can be computed is"
    assert run("trace", file, "-i", "0,1", "--layers", "..dense")[0] == 0
    code, out, _ = run("trace", file, "-i", "-1,2", "--layers", "last..")
    assert code == 0 and "max(-1, 0) = 0" in out


def test_a_reader_that_stops_reading_is_no_error(tiny: Path) -> None:
    command = f"{sys.executable} -m weightlens show {tiny} | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith("tiny.h5") and not done.stderr


def test_show_imports_nothing_heavy(tiny: Path) -> None:
    code = (
        f"import sys; from weightlens.cli.main import main; main(['show', {str(tiny)!r}]);"
        "print([m for m in ('tensorflow', 'keras', 'openpyxl', 'rich.progress', 'pydantic', 'PIL', 'yaml') if m in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(weightlens.__file__).parent.parent)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.endswith("[]\n")


def test_a_mistake_of_ours_is_said_to_be_ours(run: Run, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weightlens.load", lambda *_: 1 / 0)
    monkeypatch.delenv("WEIGHTLENS_DEBUG", raising=False)
    assert "mistake in weightlens itself" in refusal(run("show", tiny))


@pytest.fixture
def two_named_outputs(tmp_path: Path) -> Path:
    """A network whose outputs are a dictionary."""
    layers = [node(given("i", 2)), node(dense("one", 1), [["i", 0, 0, {}]]), node(dense("two", 2), [["i", 0, 0, {}]])]
    groups = {name: {"kernel:0": numbers(2, units), "bias:0": numbers(units)} for name, units in (("one", 1), ("two", 2))}
    return legacy(tmp_path / "m.h5", functional(layers, [["i", 0, 0]], {"z": ["two", 0, 0], "=a": ["one", 0, 0]}), groups)


def test_named_outputs_keep_their_names(two_named_outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, model = str(two_named_outputs), weightlens.load(two_named_outputs)
    assert model.output_names == model.trace([[1, 2]]).output_names == ["=a", "z"]
    assert main(["predict", path, "-i", "1,2"]) == 0
    header, numbers_of = capsys.readouterr().out.splitlines()
    assert header == "'=a_0,z_0,z_1"  # no spreadsheet takes a name for a formula
    np.testing.assert_allclose(np.array(numbers_of.split(","), float), np.concatenate(model.predict([[1, 2]]), axis=1)[0])
    assert main(["trace", path, "-i", "1,2"]) == 0
    assert "\n=a (1, 1)\n" in (said := capsys.readouterr().out) and "\nz (1, 2)\n" in said
    assert main(["trace", path, "-i", "1,2", "--format", "json"]) == 0
    assert {name: np.shape(values) for name, values in json.loads(capsys.readouterr().out)["outputs"].items()} == {
        "=a": (1, 1),
        "z": (1, 2),
    }
    weightlens.export(model, tmp_path / "m.xlsx", [[1, 2]])
    assert "z, sample 0, unit 1" in read_book(tmp_path / "m.xlsx").sheets["Check"].values()


def test_outputs_in_a_list_are_numbered() -> None:
    assert names_of([Ref("a"), Ref("b")]) == ["output_0", "output_1"]
    assert names_of([Ref("a")]) == ["output"]
    assert names_of({"x": [Ref("a"), {"y": Ref("b")}], "w": Ref("c")}) == ["w", "x/0", "x/1/y"]


def test_channels_are_no_samples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    normal = layer("BatchNormalization", "bn", epsilon=0.1, axis=[1])
    groups = {"bn": {f"{name}:0": np.abs(numbers(70)) for name in ("gamma", "beta", "moving_mean", "moving_variance")}}
    path = legacy(tmp_path / "m.h5", sequential(given("i", 70), normal), groups)
    assert main(["trace", str(path), "--layer", "bn"]) == 0
    said = capsys.readouterr().out
    deviation, rest = said.split("normalized =")[:2]
    assert "x69" in deviation and "sample" not in deviation
    assert "sample 0" in rest
    groups = {"bn": {name: values[:3] for name, values in groups["bn"].items()}}
    assert main(["trace", str(legacy(tmp_path / "n.h5", sequential(given("i", 3), normal), groups)), "--layer", "bn"]) == 0
    assert "x2  sqrt(" in capsys.readouterr().out


def test_trace_calls_the_columns_of_the_input_as_their_file_does(run: Run, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("left [b],x1\n0,5\n")
    code, out, _ = run("trace", tiny, "-i", tmp_path / "x.csv")
    assert code == 0 and out.splitlines()[1].split() == ["left", "[b]", "x1"]
    (tmp_path / "x.csv").write_text("x1,x0\n0,5\n")
    code, out, _ = run("trace", tiny, "-i", tmp_path / "x.csv")
    assert [line.split() for line in out.splitlines()[1:3]] == [["x0", "x1"], ["sample", "0", "5", "0"]]
    found = json.loads(run("trace", tiny, "-i", tmp_path / "x.csv", "--format", "json")[1])
    assert found["inputs"][0]["columns"] == ["x0", "x1"] and found["inputs"][0]["values"] == [[5, 0]]


@pytest.mark.parametrize("command", ["predict", "trace", "export", "check"])
@pytest.mark.parametrize("given", ["", " ", ";", "titles.csv", "none.npy"])
def test_an_input_without_numbers_is_refused_by_every_command(
    run: Run, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, given: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("titles.csv").write_text("a,b\n")
    np.save("none.npy", np.zeros((0, 2)))
    code, out, err = run(command, tiny, "-i", given, *(["-o", "o.xlsx"] if command == "export" else []))
    assert code == 2 and not out and err.startswith("Error: ") and err.count("\n") == 1 and not Path("o.xlsx").exists()


@pytest.mark.parametrize("command", ["predict", "trace", "export", "check"])
def test_only_pictures_are_scaled(run: Run, tiny: Path, tmp_path: Path, command: str) -> None:
    code, out, err = run(command, tiny, "-i", "0,1", "--scale", "1/255", *(["-o", tmp_path / "o.xlsx"] if command == "export" else []))
    assert code == 2 and not out and "--scale is for pictures" in err


def test_a_scale_without_an_input_is_not_passed_over(run: Run, tiny: Path) -> None:
    for command in (["trace"], ["check"], ["check", "--workbook", "x.xlsx"], ["check", "--by-hand", "x.csv"]):
        code, _, err = run(command[0], tiny, "--scale", "1/255", *command[1:])
        assert code == 2 and "--scale belongs to -i with a picture" in err


@pytest.mark.slow
def test_tables_on_standard_input_in_any_alphabet(tiny: Path) -> None:
    command = [sys.executable, "-m", "weightlens", "predict", str(tiny), "-i"]
    wanted = subprocess.run([*command, "0.5,1"], capture_output=True, check=True).stdout
    for name in ("-", "/dev/stdin"):
        for content in (b"a,b\n0.5,1\n", "a\tb\n0,5\t1\n".encode("utf-16"), b"sep=;\na;gr\xf6\xdfe\n0,5;1\n"):
            found = subprocess.run([*command, name], input=content, capture_output=True)
            assert (found.returncode, found.stdout) == (0, wanted), found.stderr
    closed = subprocess.run(["sh", "-c", '"$@" <&-', "sh", *command, "-"], capture_output=True)
    assert closed.returncode == 2 and closed.stderr.count(b"\n") == 1
