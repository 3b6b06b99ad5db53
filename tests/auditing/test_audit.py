"""The audit as a user meets it: the command, the function, levels, exit codes, what it refuses."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from itertools import starmap
from pathlib import Path

import h5py
import numpy as np
import pytest

import weightlens
from tests.auditing.networks import Network, cnn, conv, dense, mlp, write
from tests.auditing.plants import fresh
from tests.auditing.store import planted_store, rng_of
from tests.conftest import SAMPLES
from tests.formats.build import given, layer, sequential
from tests.tiny import write_tiny
from weightlens.auditing.rule_levels import levels_of, rules
from weightlens.cli.main import main
from weightlens.errors import BadInput

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    def run(*arguments: object) -> tuple[int, str, str]:
        code = main(["audit", *map(str, arguments)])
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three sound models and one with a number that is none."""
    here = tmp_path / "models"
    here.mkdir()
    for seed, make in enumerate((mlp, cnn, mlp)):
        write(make(rng_of(seed)), here / f"{seed}.keras")
    write_tiny(here / "nan.h5", bias=[np.nan, 1.0])
    return here


def test_json_is_one_object(run: Run, folder: Path) -> None:
    code, out, err = run(folder, "--format", "json", "--rule", "store=off")
    found = json.loads(out)
    assert code == 1 and not err and found["files"] == 4 and list(found) == ["files", "findings"]
    (one,) = found["findings"]
    assert list(one) == ["file", "layer", "weight", "rule", "level", "message", "evidence"]
    assert (one["layer"], one["weight"], one["rule"], one["level"]) == ("dense", "bias", "nan-or-infinity", "error")
    assert one["file"] == str(folder / "nan.h5") and one["evidence"] == {"nan": 1, "infinite": 0, "size": 2}


def test_levels_and_exit_codes(run: Run, folder: Path) -> None:
    assert run(folder, "--fail-on", "never")[0] == 0
    assert run(folder, "--rule", "nan-or-infinity=warning")[0] == 0
    assert run(folder, "--rule", "nan-or-infinity=warning", "--fail-on", "warning")[0] == 1
    assert (
        run(folder, "--rule", "all=off")[:2] == (0, run(folder, "--rule", "all=off")[1])
        and "nan" not in run(folder, "--rule", "all=off")[1].split("\n")[0]
    )
    later = ("spike=off", "nan-or-infinity=off", "all=error", "nan-or-infinity=off")
    assert levels_of(later) == dict.fromkeys(rules(), "error") | {"nan-or-infinity": "off"}
    code, _, err = run(folder, "--rule", "nan-or-infinty=off")
    assert code == 2 and "did you mean nan-or-infinity?" in err and err.count("\n") == 1
    assert (
        run(folder, "--rule", "spike=bad")[0] == 2 and run(folder, "--rule", "spike")[0] == 2 and run(folder, "--fail-on", "note")[0] == 2
    )
    code, _, err = run(folder / "none.h5")
    assert code == 2 and "there is no model here" in err


def test_a_file_that_fails_is_a_finding(run: Run, folder: Path) -> None:
    (folder / "empty.keras").write_bytes(b"")
    (folder / "noise.h5").write_bytes(np.random.default_rng(0).bytes(999))
    (folder / "cut.h5").write_bytes((folder / "nan.h5").read_bytes()[:3000])
    found = json.loads(run(folder, "--format", "json", "--rule", "store=off")[1])
    rule = {Path(one["file"]).name: one["rule"] for one in found["findings"]}
    assert rule == {"empty.keras": "unreadable", "noise.h5": "unreadable", "cut.h5": "truncated", "nan.h5": "nan-or-infinity"}
    assert found["files"] == 7


def test_the_table_names_file_rule_and_place(run: Run, folder: Path) -> None:
    out = run(folder)[1]
    assert "nan.h5" in out and "error nan-or-infinity [dense bias]: 1 NaN of 2 numbers" in out and "4 files: 1 error, 0 warnings" in out


def test_csv(run: Run, folder: Path, tmp_path: Path) -> None:
    code, out, _ = run(folder, "--format", "csv", "--rule", "store=off", "-o", tmp_path / "found.csv")
    assert code == 1 and "found.csv written. 4 files: 1 error" in out
    lines = (tmp_path / "found.csv").read_text().splitlines()
    assert lines[0] == "file,layer,weight,rule,level,message,evidence" and len(lines) == 2


def test_patterns_and_doubles(folder: Path) -> None:
    audit = weightlens.audit(str(folder / "*.keras"), folder / "1.keras")
    assert not [one for one in audit if one.rule not in ("same-architecture",)] and len(audit.places) == 3


def test_a_baseline_is_not_told_again(run: Run, folder: Path, tmp_path: Path) -> None:
    report = tmp_path / "before.json"
    assert run(folder, "--format", "json", "-o", report)[0] == 1
    assert run(folder, "--baseline", report)[0] == 0
    write_tiny(folder / "nan_2.h5", bias=[1.0, np.inf])
    code, out, _ = run(folder, "--baseline", report, "--format", "json", "--rule", "store=off")
    assert code == 1 and [Path(one["file"]).name for one in json.loads(out)["findings"]] == ["nan_2.h5"]
    report.write_text("[]")
    assert run(folder, "--baseline", report)[0] == 2


def test_resume_goes_on(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from weightlens.auditing import one_file

    whole = {one.key for one in weightlens.audit(folder)}
    audit, journal = weightlens.audit(folder, resume=tmp_path / "kept.jsonl"), tmp_path / "kept.jsonl"
    for _ in zip(audit.run(), range(2), strict=False):
        pass  # stopped after two files
    with journal.open("ab") as file:
        file.write(b'{"file": "cut off')
    done = []
    plain = one_file.audit_file
    monkeypatch.setattr(one_file, "audit_file", lambda place, inputs: (done.append(place.name), plain(place, inputs))[1])
    assert {one.key for one in weightlens.audit(folder, resume=journal)} == whole and 1 <= len(done) <= 2
    done.clear()
    assert {one.key for one in weightlens.audit(folder, resume=journal)} == whole and not done
    write_tiny(folder / "nan.h5", bias=[0.25, 1.0])
    assert not [one for one in weightlens.audit(folder, resume=journal) if one.rule == "nan-or-infinity"] and len(done) == 1
    journal.write_text("something else\n")
    with pytest.raises(BadInput, match="is not the file of results"):
        list(weightlens.audit(folder, resume=journal))


def test_a_file_of_results_that_somebody_has_changed_is_refused(run: Run, folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.jsonl"
    assert run(folder, "--resume", kept)[0] == 1
    before = kept.read_bytes()
    changes = [(b"nan-or-infinity", b"nan-or-infinitx"), (b'"size":', b'"size":[],"s":'), (b'"crc":', b'"crc":1'), (b'{"file"', b"[")]
    for old, new in changes:
        assert old in before
        kept.write_bytes(before.replace(old, new))
        code, _, err = run(folder, "--resume", kept)
        assert code == 2 and err.count("\n") == 1 and "is damaged" in err


def test_a_table_for_machines_goes_into_a_pipe(folder: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    command = [sys.executable, "-m", "weightlens", "audit", folder, "--format", "parquet", "--fail-on", "never"]
    made = subprocess.run(command, capture_output=True, check=True)
    assert "nan-or-infinity" in parquet.read_table(io.BytesIO(made.stdout))["rule"].to_pylist()


def test_resume_begins_with_an_empty_file(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "kept.jsonl").touch()
    list(weightlens.audit(folder, resume=tmp_path / "kept.jsonl"))
    assert (tmp_path / "kept.jsonl").read_bytes().count(b"\n") == 5


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the names of files are Unicode")
def test_a_name_that_is_no_unicode_is_in_every_report(run: Run, folder: Path, tmp_path: Path) -> None:
    (folder / "nan.h5").rename(folder / os.fsdecode(b"\xff.h5"))
    for suffix in ("json", "csv", "sarif", "parquet", "xlsx", "html"):
        out = tmp_path / f"report.{suffix}"
        code, _, err = run(folder, "--format", suffix, "-o", out, "--resume", tmp_path / "kept.jsonl")
        assert code == 1 and "mistake" not in err and out.exists()
    assert "%FF.h5" in (tmp_path / "report.sarif").read_text()
    assert (tmp_path / "kept.jsonl").read_bytes().count(b"\n") == 1 + 4 + 5, "this one is audited each time"


def test_processes_find_the_same(folder: Path) -> None:
    alone, together = ({one.key: one.message for one in weightlens.audit(folder, workers=workers)} for workers in (1, 2))
    assert alone == together and alone


def test_outputs_never_replace_a_model(run: Run, folder: Path) -> None:
    before = (folder / "nan.h5").read_bytes()
    code, _, err = run(folder, "--resume", folder / "nan.h5")
    assert code == 2 and "is in use here" in err and (folder / "nan.h5").read_bytes() == before
    with zipfile.ZipFile(folder / "0.keras") as archive:
        archive.extractall(folder / "unpacked")
    before = (folder / "unpacked" / "config.json").read_bytes()
    for where in (folder, folder / "unpacked"):
        code, _, err = run(where, "--format", "json", "-o", folder / "unpacked" / "config.json", "--force")
        assert code == 2 and "is in use here" in err and (folder / "unpacked" / "config.json").read_bytes() == before


def test_untrained_says_which_layer(tmp_path: Path) -> None:
    rng = rng_of(3)
    net = cnn(rng)
    path, name = fresh(net, tmp_path, rng)
    found = [one for one in weightlens.audit(path) if one.rule == "untrained"]
    assert name in {one.layer for one in found}


def test_units_by_data(tmp_path: Path) -> None:
    rng = rng_of(5)
    net = weightlens_net(rng)
    path = write(net, tmp_path / "m.keras")
    data = tmp_path / "x.npy"
    np.save(data, rng.uniform(0, 1, (40, 4)))
    found = {(one.rule, one.layer): one for one in weightlens.audit(path, inputs=data)}
    assert found["saturated", "squeezed"].evidence["units"] == [2]
    assert found["dead-unit", "first"].evidence["units"] == [1] and found["dead-unit", "first"].evidence["by"] == "inputs"
    assert not [one for one in weightlens.audit(path) if one.rule in ("saturated", "dead-unit")], "by bounds alone nothing can be said"


def weightlens_net(rng: np.random.Generator) -> object:
    from tests.auditing.networks import Network

    net = Network([given("x", 4)])
    dense(rng, net, "first", 4, 8)
    dense(rng, net, "squeezed", 8, 6, "tanh")
    dense(rng, net, "out", 6, 2, "softmax")
    net.arrays["first"]["kernel"][:, 1], net.arrays["first"]["bias"][1] = [0.5, 0.5, -0.1, 0.5], -2.0  # at most 1.5 of data from 0 to 1
    net.arrays["squeezed"]["bias"][2] = 30.0
    return net


def test_the_same_weights_in_another_dialect(tmp_path: Path) -> None:
    net = mlp(rng_of(9))
    write(net, tmp_path / "a.keras")
    write(net, tmp_path / "b.h5", "2.11.0")
    (tmp_path / "c.h5").write_bytes((tmp_path / "b.h5").read_bytes())
    for array in net.arrays["out"].values():
        array += 0.01
    write(net, tmp_path / "d.keras")
    found = {(Path(one.file).name, one.rule): one for one in weightlens.audit(tmp_path) if rules()[one.rule][0] == "store"}
    assert {name for name, rule in found if rule == "same-file"} <= {"b.h5", "c.h5"}
    assert len(found) == 3 and sorted(rule for _, rule in found) == ["same-architecture", "same-file", "same-weights"]
    step = next(one for one in found.values() if one.rule == "same-architecture")
    assert "2 of " in step.message and set(step.evidence["changed"]) == {"out/kernel", "out/bias"}


def test_a_single_number_makes_other_weights(tmp_path: Path) -> None:
    net = Network([given("x", 40)])
    dense(rng := rng_of(6), net, "h", 40, 60)
    dense(rng, net, "out", 60, 1, "sigmoid")
    write(net, tmp_path / "a.keras")
    net.arrays["out"]["bias"][0] += 0.5
    write(net, tmp_path / "b.keras")
    net.arrays["h"]["kernel"][3, 5] += 0.5  # none of the few numbers that are kept
    write(net, tmp_path / "c.keras")
    found = [one for one in weightlens.audit(tmp_path) if rules()[one.rule][0] == "store"]
    assert [(one.rule, list(one.evidence["changed"])) for one in found] == [
        ("same-architecture", ["out/bias"]),
        ("same-architecture", ["h/kernel"]),
    ]
    assert all("1 of 4 weights changed" in one.message for one in found) and "by 0" not in found[1].message


CODE = "4wEAAAAAAAAAAAAAAAABAAAAAgAAAEMAAAByCAAAAHwAZAEXAFMAKQJO6QEAAACpACkB2gF4"
DEEP = {
    "class_name": "Sequential",
    "config": {
        "name": "inner",
        "layers": [given("inner_x", 2), layer("Lambda", "deep", function=[CODE, None, None], function_type="lambda")],
    },
}


def test_a_nested_lambda_is_found_in_every_format(tmp_path: Path) -> None:
    from tests.formats import savedmodel, tfjs
    from tests.formats.savedmodel import build as saved_build
    from tests.formats.tfjs import build as tfjs_build

    assert savedmodel and tfjs
    net = mlp(rng_of(1))
    net.entries.append(DEEP)
    paths = [write(net, tmp_path / "a.keras"), write(net, tmp_path / "b.h5"), write(net, tmp_path / "c.h5", "2.11.0")]
    topology = sequential(given("i", 3), DEEP)
    paths += [
        tfjs_build.written(tmp_path / "web", tfjs_build.whole(topology, {})),
        tfjs_build.zipped(tmp_path / "w.zip", tfjs_build.whole(topology, {})),
    ]
    root = saved_build.model_thing(topology, [])
    paths += [
        saved_build.written(tmp_path / "saved", saved_build.saved(root)),
        saved_build.written(tmp_path / "old", saved_build.saved(root, old=True)),
    ]
    for path in paths:
        found = [one for one in weightlens.audit(path) if one.rule == "code-in-file"]
        assert any(one.layer == "deep" for one in found), path


def in_activation(net: Network) -> None:
    net.config("out")["activation"] = {"class_name": "__lambda__", "config": {"code": "x", "defaults": None, "closure": None}}


def wrapped(net: Network) -> None:
    inside = layer("Lambda", "out", function=[CODE, None, None], function_type="lambda")
    net.entries.append({"class_name": "TimeDistributed", "config": {"name": "wrapper", "layer": inside}})


def own_activation(net: Network) -> None:
    net.config("out")["activation"] = "of_my_own"


def dotted(net: Network) -> None:
    """Keras joins the module and the class before it looks: "keras" and "layers.Lambda" are a Lambda."""
    net.entries[-1] |= {"module": "keras", "class_name": "layers.Lambda", "config": {"name": "out"}}


def of_keras(module: str, name: str) -> Callable[[Network], None]:
    """A function of Keras itself that loads a file, or lets the next entry run code."""
    named = {"class_name": "function", "config": name, "module": module, "registered_name": "function"}
    return lambda net: net.config("out").update(activation=named)


OF_KERAS = (
    ("keras.config", "enable_unsafe_deserialization"),
    ("keras.utils", "get_file"),
    ("keras.models", "load_model"),
    ("keras", "utils.get_file"),
)


@pytest.mark.parametrize("change", [in_activation, wrapped, own_activation, dotted, *starmap(of_keras, OF_KERAS)])
@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_code_in_other_places(tmp_path: Path, change: Callable[[Network], None], name: str) -> None:
    net = mlp(rng_of(4))
    change(net)
    found = [one for one in weightlens.audit(write(net, tmp_path / name)) if one.rule in ("code-in-file", "unknown-option")]
    assert found and {(one.rule, one.layer) for one in found} == {("code-in-file", "out")}


def test_a_class_of_somebodys_own(tmp_path: Path) -> None:
    net = mlp(rng_of(4))
    net.entries.insert(-1, {"class_name": "Mine", "config": {"name": "mine"}})
    (found,) = (one for one in weightlens.audit(write(net, tmp_path / "m.h5", "2.11.0")) if one.rule == "code-in-file")
    assert (found.layer, found.level) == ("mine", "warning") and "needs the class Mine" in found.message
    (found,) = (one for one in weightlens.audit(tmp_path, rules=["code-in-file=error"]) if one.rule == "code-in-file")
    assert found.level == "error", "as is asked, though it is the rule's usual level"


def test_nothing_is_followed(tmp_path: Path) -> None:
    path = write_tiny(tmp_path / "m.h5")
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["x"] = np.arange(4.0)
    with h5py.File(path, "a") as file:
        file["model_weights/out"] = h5py.ExternalLink(str(secret), "/x")
    assert [one.rule for one in weightlens.audit(path)] == ["external-link"]


def test_a_name_from_a_file_is_no_escape_sequence(run: Run, tmp_path: Path) -> None:
    code, out, _ = run(write_tiny(tmp_path / "m.h5", name="a\x1b[31m"))
    assert code == 0 and "\x1b[31m" not in out and "name-with-control-characters" in out


def test_every_rule_says_what_it_is() -> None:
    for name, (_, rule) in rules().items():
        assert rule.name == name and rule.says and rule.formula and rule.source and rule.level in ("note", "warning", "error")


@pytest.mark.slow
def test_ctrl_c_writes_what_is_known(tmp_path: Path) -> None:
    planted_store(tmp_path / "store" / "0", 40, 1)
    for copy in range(1, 10):
        shutil.copytree(tmp_path / "store" / "0", tmp_path / "store" / str(copy))
    command = [sys.executable, "-m", "weightlens", "audit", tmp_path / "store", "--format", "json", "-o", tmp_path / "r.json"]
    with subprocess.Popen([*command, "--resume", tmp_path / "kept.jsonl"], stderr=subprocess.PIPE, text=True) as process:
        while not (tmp_path / "kept.jsonl").exists() or (tmp_path / "kept.jsonl").read_bytes().count(b"\n") < 5:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    found = json.loads((tmp_path / "r.json").read_text())
    assert process.returncode == 130 and "stopped after" in err and "goes on from there" in err and "Traceback" not in err
    assert 3 <= found["files"] < 400
    assert (tmp_path / "kept.jsonl").read_bytes().count(b"\n") - 1 - found["files"] in (0, 1), "what is written is what is kept"


def test_a_softmax_in_the_middle_has_an_effect_by_all_its_units(tmp_path: Path) -> None:
    rng, net = rng_of(6), Network([given("x", 4)])
    dense(rng, net, "shares", 4, 6, "softmax")
    dense(rng, net, "out", 6, 2, "linear")
    net.arrays["out"]["kernel"][3] = 0
    assert not [one for one in weightlens.audit(write(net, tmp_path / "m.keras")) if one.rule == "no-effect-unit"]


def joining(rng: np.random.Generator, path: Path, dead: tuple[int, ...] = (), between: bool = False) -> Path:
    """Two branches of five and of three units, joined; the ``dead`` rows of the next kernel are 0."""
    net = Network([given("x", 4)], extra={"b": ["x"], "join": ["a", "b"]})
    dense(rng, net, "a", 4, 5)
    dense(rng, net, "b", 4, 3)
    net.entries.append(layer("Concatenate", "join", axis=-1))
    if between:
        net.entries.append(layer("Dropout", "rest", rate=0.5))
    dense(rng, net, "out", 8, 2, "softmax")
    net.arrays["out"]["kernel"][[*dead]] = 0
    return write(net, path)


@pytest.mark.parametrize("between", [False, True])
def test_units_without_effect_are_found_behind_a_concatenate(tmp_path: Path, between: bool) -> None:
    path = joining(rng_of(6), tmp_path / "m.keras", (1, 4, 5), between)
    found = [(one.layer, one.evidence["units"]) for one in weightlens.audit(path) if one.rule == "no-effect-unit"]
    assert found == [("a", [1, 4]), ("b", [0])]
    clean = joining(rng_of(6), tmp_path / "clean.keras", (), between)
    assert "no-effect-unit" not in {one.rule for one in weightlens.audit(clean)}


def test_channels_that_are_reshaped_are_not_taken_for_units(tmp_path: Path) -> None:
    """Six units become three steps of two channels, beside five: the seven rows of the next kernel are not six units and one more."""
    rng, net = rng_of(7), Network([given("x", 15)], extra={"b": ["x"], "join": ["r", "b"]})
    dense(rng, net, "a", 15, 6)
    net.entries += [layer("Reshape", name, target_shape=[3, size]) for name, size in (("r", 2), ("b", 5))]
    net.entries.append(layer("Concatenate", "join", axis=-1))
    dense(rng, net, "out", 7, 2, "linear")
    net.arrays["out"]["kernel"][3] = 0
    assert "no-effect-unit" not in {one.rule for one in weightlens.audit(write(net, tmp_path / "m.keras"))}


def test_a_picture_that_is_flattened_before_its_normalization_has_an_effect(tmp_path: Path) -> None:
    rng, net = rng_of(3), Network([layer("InputLayer", "x", batch_shape=[None, 5, 5, 1])])
    conv(rng, net, "c", 3, 1, 4)
    net.entries += [layer("Flatten", "f"), layer("BatchNormalization", "bn", axis=-1)]
    moments = {"gamma": (0.5, 1.5), "beta": (-1, 1), "moving_mean": (-1, 1), "moving_variance": (0.5, 1)}
    net.arrays["bn"] = {name: rng.uniform(*ends, 100) for name, ends in moments.items()}
    dense(rng, net, "out", 100, 3, "softmax")
    assert "no-effect-unit" not in {one.rule for one in weightlens.audit(write(net, tmp_path / "m.keras"))}


def test_as_many_arrays_of_the_optimizer_as_show_counts(run: Run, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    path = SAMPLES / "digits_cnn.keras"
    _, audited, _ = run(path)
    main(["show", str(path)])
    assert "16 arrays of the optimizer hold" in audited
    assert b"without 16 arrays of the optimizer, which --optimizer shows" in capfdbinary.readouterr().out
