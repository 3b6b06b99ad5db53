"""``--format json``: every answer of every command is described by the one schema of docs/json.md."""

from __future__ import annotations

import inspect
import json
import re
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.tiny import write_tiny
from weightlens.cli.main import COMMANDS, main

ROOT = Path(__file__).resolve().parent.parent.parent
SAMPLES, SCHEMA = ROOT / "sample_models", json.loads((ROOT / "docs" / "output.schema.json").read_text())
TRAINING = "-i or_data.csv --target y"
ANSWERS = {  # by the title of its description: the commands, and their exit code
    "show": [("show or.h5", 0), ("show digits_cnn.keras --stats", 0), ("show or.h5 --optimizer", 0), ("show plain.h5 --layer dense", 0)],
    "show --summary": [("show or.h5 --summary", 0), ("show sine_lstm.keras --summary", 0)],
    "show --tree": [("show or.h5 --tree", 0), ("show digits_cnn.keras --tree", 0)],
    "trace": [
        ("trace or.h5 -i or.csv", 0),
        ("trace or.h5 --explain", 0),
        ("trace sine_lstm.keras", 0),
        (f"train-sheet or.h5 {TRAINING}", 0),
    ],
    "predict": [("predict or.h5 -i or.csv", 0), ("predict digits_mlp.keras -i digits_mlp.csv --rows 2", 0)],
    "diff": [("diff or.h5 or.h5", 0), ("diff or.h5 and.h5", 1)],
    "check": [("check or.h5 -i or.csv --by-hand or_by_hand.csv", 0), ("check and.h5 -i or.csv --by-hand or_by_hand.csv", 1)],
    "audit": [("audit .", 0), ("audit digits_cnn.keras --rule optimizer-state-left=error", 1)],
    "export": [("export or.h5 -o or.xlsx", 0), ("export or.h5 -o or.html", 0)],
    "export --plan": [("export digits_mlp.keras --plan", 0)],
    "import, patch": [("import edited.xlsx or.h5 -o new.h5", 0)],
    "simplify": [("simplify or.h5 -i or.csv -o whole.h5", 0), ("simplify xor_sigmoid.h5 -i xor_sigmoid.csv --max 1 -o whole.h5", 1)],
    "convert": [("convert or.h5 -o or_new.keras", 0)],
    "fit": [(f"fit or.h5 {TRAINING} --epochs 2 -o trained.h5", 0)],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    for file in SAMPLES.iterdir():
        shutil.copy(file, tmp_path)
    monkeypatch.chdir(tmp_path)
    write_tiny(tmp_path / "plain.h5")
    return tmp_path


def answer(capsys: pytest.CaptureFixture[str]) -> Any:
    """What was printed: one line of JSON."""
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    return json.loads(out)


@pytest.mark.parametrize(("title", "command", "code"), [(t, *run) for t, runs in ANSWERS.items() for run in runs])
def test_an_answer_is_as_described(title: str, command: str, code: int, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if command.startswith("import"):
        assert main(["export", "or.h5", "-o", "edited.xlsx", "--quiet"]) == 0
    assert main([*command.split(), "--format", "json"]) == code
    [described] = [kind for kind in SCHEMA["oneOf"] if kind["title"] == title]
    jsonschema.validate(found := answer(capsys), SCHEMA, cls=jsonschema.Draft202012Validator)
    jsonschema.validate(found, {**described, "$defs": SCHEMA["$defs"]}, cls=jsonschema.Draft202012Validator)
    assert found.get("command", "audit") == command.split()[0]


@pytest.mark.keras
def test_a_check_against_keras_is_as_described(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "or.h5", "--format", "json"]) == 0
    jsonschema.validate(answer(capsys), SCHEMA)


def test_every_kind_of_answer_is_tried_and_stands_on_the_page() -> None:
    assert {kind["title"] for kind in SCHEMA["oneOf"]} == {*ANSWERS}
    named = {word for title in ANSWERS for run, _ in ANSWERS[title] for word in run.split()[:1]} | {"patch"}
    page = (ROOT / "docs" / "json.md").read_text()
    for name in COMMANDS:
        has_format = "output_format" in inspect.signature(command_function(name)).parameters
        assert not has_format or (name in named and f"`{name}" in page), name


def command_function(name: str) -> Any:
    import importlib

    module, function = COMMANDS[name]
    return getattr(importlib.import_module(f"weightlens.cli.{module}"), function)


def test_the_schema_is_strict(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "or.h5", "-i", "0,1", "--format", "json"]) == 0
    found = answer(capsys)
    assert found["columns"] == ["y0", "y1"] and found["outputs"][0]["shape"] == [2]
    for wrong in (found | {"more": 1}, {key: value for key, value in found.items() if key != "rows"}, found | {"command": "show"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, SCHEMA)


def test_predictions_are_those_of_the_csv(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "digits_mlp.keras", "-i", "digits_mlp.csv", "--rows", "3", "--format", "json"]) == 0
    found = answer(capsys)
    assert main(["predict", "digits_mlp.keras", "-i", "digits_mlp.csv", "--rows", "3"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split(",") == found["columns"]
    assert [[float(number) for number in line.split(",")] for line in lines] == found["rows"]


def test_what_json_has_no_word_for_is_null(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_tiny(tmp_path / "nan.h5", bias=[float("nan"), 1])
    assert main(["predict", str(model), "-i", "0,1", "--format", "json"]) == 0
    found = answer(capsys)
    assert found["rows"] == [[None, None]]
    jsonschema.validate(found, SCHEMA)


@pytest.mark.parametrize("command", ["convert or.h5 -o x.keras", f"fit or.h5 {TRAINING} -o x.h5", "export or.h5 -o x.xlsx"])
def test_another_format_is_refused_before_anything_is_written(command: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(folder.iterdir())
    assert main([*command.split(), "--format", "xml"]) == 2
    assert re.search("--format xml: it is one of table, json", capsys.readouterr().err)
    assert sorted(folder.iterdir()) == before
