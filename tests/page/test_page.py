"""A page as people use it: looked at, clicked through, changed, saved; and what is refused."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.cases import turn
from tests.conftest import INPUTS, SAMPLES, sample_input
from tests.engine.test_forward import KERNEL, dense, network, weight
from tests.page.conftest import Open, Shown
from tests.tiny import write_tiny
from weightlens import page as pages
from weightlens.errors import BadInput, WorkbookTooLarge
from weightlens.model import Call, Layer, Ref
from weightlens.workbook import measure

browser = pytest.mark.office("chromium")
XOR = SAMPLES / "xor_relu.h5"
CLOSE = 1e-12


def outputs(shown: Shown) -> list[float]:
    """All outputs in one row."""
    return [value for output in shown.run("weightlens.outputs()") for value in output]


def click(shown: Shown, block: str, row: int, column: int, times: int = 1) -> None:
    """Click a cell of a block of numbers."""
    view = shown.page.locator(f'[data-block="{block}"] .view')
    view.scroll_into_view_if_needed()
    left = shown.run("(name) => Number.parseFloat(document.querySelector(`[data-block='${name}'] .room`).dataset.left)", block)
    view.click(position={"x": left + 58 * column + 20, "y": 20 + 24 * row + 12}, click_count=times)


@browser
@pytest.mark.parametrize("model", turn(list(INPUTS), 5), ids=lambda path: path.name)
def test_a_sample_model_clicked_through(model: Path, shown: Open) -> None:
    inputs = sample_input(model)
    page = shown(model, inputs)
    assert page.run("weightlens.check()") <= CLOSE
    expected = weightlens.load(model).predict(inputs)[0].ravel()
    np.testing.assert_allclose(outputs(page)[: len(expected)], expected[: len(outputs(page))], rtol=1e-10)
    for node in page.page.locator(".node").all():
        node.click()
        for view in page.page.locator(".view").all():
            view.focus()
            page.page.keyboard.press("ArrowRight")
            assert page.page.locator(".panel .value output").inner_text()
    page.page.locator("h1").click()
    for _ in range(page.run("weightlens.names().length")):
        page.page.keyboard.press("ArrowRight")
    assert page.page.locator("button", has_text="numbers").count() >= 0 and "of" in page.page.locator(".stepper .told").inner_text()


@browser
def test_a_number_is_typed_undone_and_done_again(shown: Open) -> None:
    page = shown(XOR)
    before = outputs(page)
    click(page, "input_layer_2", 1, 0)
    page.page.keyboard.type("0.25")
    page.page.keyboard.press("Enter")
    assert page.run("weightlens.get('input_layer_2')[2]") == 0.25
    inputs = np.array([[0, 0], [0.25, 1], [1, 0], [1, 1]])
    np.testing.assert_allclose(outputs(page), weightlens.load(XOR).predict(inputs)[0].ravel(), rtol=1e-12)
    assert "1 number changed" in page.page.locator(".verdict").inner_text()
    page.page.keyboard.press("Control+z")
    assert outputs(page) == before and "equals" in page.page.locator(".verdict").inner_text()
    page.page.keyboard.press("Control+y")
    page.page.keyboard.press("Alt+ArrowUp")
    assert page.run("weightlens.get('input_layer_2')[2]") == pytest.approx(0.26)
    page.page.get_by_role("button", name="back to the numbers in the file").click()
    assert outputs(page) == before


@browser
def test_the_sum_of_a_number_is_shown(shown: Open) -> None:
    page = shown(XOR)
    page.page.locator(".node").nth(1).click()
    click(page, "hidden/activation", 2, 3)
    panel = page.page.locator(".panel")
    number = page.run("weightlens.get('hidden/activation')[2 * 16 + 3]")
    assert float(panel.locator(".value output").get_attribute("title")) == number
    assert "max(pre-activation, 0)" in panel.inner_text() and "pre-activation = dot product + bias" in panel.inner_text()
    assert panel.locator(".chapter").count() == 3 and panel.locator("svg[role=img]").count() == 1
    kernel, x = weightlens.load(XOR)["hidden"].kernel, [1.0, 0.0]
    terms = [row.locator(".number").first.inner_text() for row in panel.locator(".chapter").last.locator("tbody tr").all()]
    assert sorted(terms) == sorted(f"{x[i] * kernel[i, 3]:.5g}".replace("-", "\u2212") if x[i] else "0" for i in range(2))


@browser
def test_a_gate_is_a_point_on_its_own_curve(shown: Open) -> None:
    """The number under the sigmoid is the gate's own pre-activation; a number of another time step says of which."""
    page = shown(SAMPLES / "sine_lstm.keras", sample_input(SAMPLES / "sine_lstm.keras"))
    page.page.locator(".node").nth(1).click()
    panel = page.page.locator(".panel")
    for gate in ("input gate", "forget gate", "output gate"):
        page.page.locator(f'[data-block="lstm/{gate}"] .view').focus()
        for key in ("ArrowDown",) * 9 + ("ArrowRight",):
            page.page.keyboard.press(key)
            argument, value = re.findall(r"[-\d.e\u2212]+", panel.locator("figcaption").inner_text().replace("sigmoid", ""))
            z, y = (float(text.replace("\u2212", "-")) for text in (argument, value))
            assert y == pytest.approx(1 / (1 + np.exp(-z)), rel=1e-5)
    page.page.locator('[data-block="lstm/cell state"] .view').focus()
    for _ in range(10):
        page.page.keyboard.press("ArrowDown")
    assert "t=3" in panel.locator("h2").inner_text() and "cell state t=2[1, 0]" in panel.locator(".cells").first.inner_text()


@browser
def test_a_softmax_is_a_point_on_its_curve(shown: Open) -> None:
    """Also where the softmax is a layer of its own."""
    page = shown(SAMPLES / "or.h5")
    page.run("location.hash = '#at=softmax/activation@2'")
    page.page.reload()
    page.run("weightlens.ready")
    z = weightlens.load(SAMPLES / "or.h5").trace([[0, 1]])["dense"][-1].value[0, 0]
    assert page.page.locator(".panel figcaption").inner_text().startswith(f"softmax({z:.7g}".replace("-", "\u2212"))


@browser
def test_a_number_in_a_formula_is_a_factor(shown: Open) -> None:
    page = shown(SAMPLES / "digits_cnn.keras", [np.full((8, 8, 1), 10.0)])
    page.run("location.hash = '#at=scaling/output@0'")
    page.page.reload()
    page.run("weightlens.ready")
    terms = [row.locator("td").first.inner_text() for row in page.page.locator(".panel tbody tr").all()]
    assert terms == ["10 \u00d7 0.0625", "0"]


@browser
def test_the_address_keeps_what_was_done(shown: Open) -> None:
    page = shown(XOR)
    page.run("weightlens.set('hidden/kernel', 3, 2.5)")
    page.page.locator(".node").nth(2).click()
    page.page.wait_for_url("**layer=xor*set=**")
    expected, address = outputs(page), page.page.url
    page.page.goto("about:blank")
    page.page.goto(address)
    page.run("weightlens.ready")
    assert outputs(page) == expected
    assert page.page.locator("main h2").first.inner_text().startswith("xor")


@browser
def test_changes_are_saved_and_imported(shown: Open, tmp_path: Path) -> None:
    page = shown(XOR)
    page.run("weightlens.set('hidden/kernel', 3, 2.5)")
    page.run("weightlens.set('xor/bias', 0, -1)")
    with page.page.expect_download() as found:
        page.page.get_by_role("button", name="save the changed weights").click()
    found.value.save_as(tmp_path / "changes.json")
    imported = weightlens.import_changes(tmp_path / "changes.json", XOR, tmp_path / "new.h5")
    assert [(change.weight, change.index, change.new) for change in imported.changes] == [
        ("hidden/kernel", (0, 3), 2.5),
        ("xor/bias", (0,), -1.0),
    ]
    new = weightlens.load(tmp_path / "new.h5")
    np.testing.assert_allclose(outputs(page), new.predict([[0, 0], [0, 1], [1, 0], [1, 1]])[0].ravel(), rtol=1e-12)


@browser
def test_a_network_with_numbers_that_are_none(shown: Open, tmp_path: Path) -> None:
    model = write_tiny(tmp_path / "tiny.h5", kernel=[[np.nan, -2.0], [0.25, 1.0]])
    page = shown(model, [[1, 1]], labels=["no", "yes"])
    assert page.page.locator(".winner").count() == 0
    assert "NaN" in page.page.locator(".outputs").inner_text() and "was" not in page.page.locator(".outputs").inner_text()
    page.run("weightlens.set('dense/kernel', 0, 0.5)")
    assert "in the file: none" in page.page.locator(".winner").inner_text()
    with page.page.expect_download() as found:
        page.page.get_by_role("button", name="save the changed weights").click()
    found.value.save_as(tmp_path / "changes.json")
    weightlens.import_changes(tmp_path / "changes.json", model, tmp_path / "new.h5")
    assert weightlens.load(tmp_path / "new.h5")["dense"].kernel[0, 0] == 0.5


BROKEN: list[Any] = [
    "[]",
    "not json",
    json.dumps({"format": "weightlens changes", "changes": [{"weight": "dense/kernel", "index": [0, 0], "old": 9.0, "new": 1.0}]}),
    json.dumps({"format": "weightlens changes", "changes": [{"weight": "dense/kernel", "index": [0, 7], "old": 1.5, "new": 1.0}]}),
    json.dumps({"format": "weightlens changes", "changes": [{"weight": "other/kernel", "index": [0, 0], "old": 1.5, "new": 1.0}]}),
    json.dumps({"format": "weightlens changes", "changes": [{"weight": "dense/kernel", "index": [0, 0], "old": 1.5, "new": "1"}]}),
    json.dumps({"format": "weightlens changes", "changes": [{"weight": "dense/kernel", "index": [0, 0], "old": 1.5, "new": 1e300}]}),
]


def test_a_number_that_stands_in_the_changes_twice(tmp_path: Path) -> None:
    model, changes = write_tiny(tmp_path / "tiny.h5"), tmp_path / "changes.json"
    once = {"weight": "dense/kernel", "index": [0, 0], "old": 1.5, "new": 1.0}

    def imported(*entries: dict[str, Any]) -> list[Any]:
        changes.write_text(json.dumps({"format": "weightlens changes", "changes": entries}))
        return weightlens.import_changes(changes, model, tmp_path / "new.h5", force=True).changes

    assert len(imported(once, once)) == 1
    with pytest.raises(BadInput, match="two different numbers"):
        imported(once, once | {"new": 1.5})


@pytest.mark.parametrize("text", BROKEN)
def test_other_changes_are_refused(text: str, tmp_path: Path) -> None:
    model = write_tiny(tmp_path / "tiny.h5")
    (tmp_path / "changes.json").write_text(text)
    with pytest.raises(BadInput):
        weightlens.import_changes(tmp_path / "changes.json", model, tmp_path / "new.h5")
    assert not (tmp_path / "new.h5").exists()


HOSTILE = "<img src=x onerror=alert(1)>{{data}}"


@browser
def test_names_are_texts(shown: Open, tmp_path: Path) -> None:
    model = write_tiny(tmp_path / "<b>&amp;{{boot}}.h5", name=HOSTILE)
    page = shown(model, [[0, 1]], labels=["</script><script>alert(2)</script>", "<i>x</i>"], input_labels=["<u>a</u>", "'\"`${1}"])
    for node in page.page.locator(".node").all():
        node.click()
    assert page.page.locator("img, b:not(p *), i, u").count() == 0
    assert page.page.title() == model.name and page.page.locator("h1").inner_text() == model.name
    assert page.page.locator("main h2").first.inner_text().startswith(HOSTILE)
    assert "</script><script>" in page.page.locator(".outputs").inner_text()
    assert page.run("weightlens.check()") <= CLOSE


@browser
def test_long_names_are_told_apart_within_their_boxes(shown: Open) -> None:
    names = ["expanded_conv_depthwise", "expanded_conv_depthwise_BN", "W" * 30, "\u795e" * 30]
    layers = [dense(name, Ref(before)) for before, name in zip(["x", *names], names, strict=False)]
    page = shown(network(*layers, outputs=[Ref(names[-1])]), [[0, 1]])
    _, *read = [node.locator(".name").text_content() for node in page.page.locator(".node").all()]
    assert read[:2] == ["expanded\u2026v_depthwise", "expanded\u2026epthwise_BN"]
    boxes = [page.page.locator(".node rect").nth(i).bounding_box() for i in (1, 3)]
    strips = [{"x": box["x"] + box["width"] + 1, "y": box["y"] + 3, "width": 4, "height": 14} for box in boxes]
    plain, wide = (page.page.screenshot(clip=strip) for strip in strips)
    assert plain == wide, "the letters end with the box, however wide they are"


@browser
def test_what_scripts_may_not_do(shown: Open) -> None:
    page = shown(XOR)
    for script in ("weightlens.set('xor/activation', 0, 1)", "weightlens.set('xor/bias', 7, 1)", "weightlens.set('xor/bias', 0, '1')",
                   "weightlens.get('nothing')"):  # fmt: skip
        assert page.run(f"(() => {{ try {{ {script}; return '' }} catch (error) {{ return error.message }} }})()")
    assert page.run("weightlens.check()") <= CLOSE
    policy = page.page.locator("meta[http-equiv]").get_attribute("content")
    assert "default-src 'none'" in policy and "unsafe" not in policy


@browser
def test_a_phone_and_paper(shown: Open) -> None:
    page = shown(SAMPLES / "digits_cnn.keras")
    page.page.set_viewport_size({"width": 360, "height": 780})
    for node in page.page.locator(".node").all():
        node.click()
        assert page.run("document.documentElement.scrollWidth") <= 360


@browser
def test_a_block_is_whole_on_paper(shown: Open, tmp_path: Path) -> None:
    """Every column and row that a screen has to scroll to is in some strip, and the paper holds the strips instead of the views."""
    page = shown(SAMPLES / "digits_mlp.keras")
    page.page.locator(".node").nth(1).click()
    for event, count in (("beforeprint", 4 * 2), ("afterprint", 0)):  # 64 x 32 numbers of 58 x 24 pixels
        page.run(f"dispatchEvent(new Event('{event}'))")
        strips = page.page.locator('[data-block="hidden/kernel"] .printed canvas')
        assert strips.count() == count
        if count:
            sizes = strips.evaluate_all("(found) => found.map((strip) => [strip.width, strip.height])")
            left = float(page.page.locator('[data-block="hidden/kernel"] .room').get_attribute("data-left"))
            assert sum(wide - left for wide, _ in sizes[: count // 2]) == 32 * 58 and max(wide for wide, _ in sizes) <= 640
            assert sum(high - 20 for _, high in sizes[:: count // 2]) == 64 * 24
    (tmp_path / "page.pdf").write_bytes(page.page.pdf(print_background=True))
    text = subprocess.run(["pdftotext", tmp_path / "page.pdf", "-"], capture_output=True, text=True, check=True).stdout
    kernel = page.run("weightlens.get('hidden/kernel')")
    shown_numbers = [f"{number:.3f}".replace("-", "\u2212") for number in (kernel[0], kernel[31], kernel[-32], kernel[-1])]
    assert all(number in text for number in shown_numbers)


@browser
def test_steps_on_a_phone(shown: Open) -> None:
    page = shown(SAMPLES / "digits_cnn.keras")
    page.page.set_viewport_size({"width": 360, "height": 780})
    following = page.page.get_by_role("button", name="next step")
    following.scroll_into_view_if_needed()
    top = "(found) => document.querySelector(found).getBoundingClientRect().top"
    bottom = "(found) => document.querySelector(found).getBoundingClientRect().bottom"
    for _ in range(12):
        following.click(timeout=1000)
        assert page.run(top, ".stepper") >= 0
        assert page.run(bottom, ".stepper") <= page.run(bottom, ".block.told") and page.run(top, ".block.told") < page.run(top, ".panel")


@browser
def test_many_samples_to_pick_from(shown: Open) -> None:
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(300, 64))
    page = shown(SAMPLES / "digits_mlp.keras", inputs)
    page.page.get_by_label("sample to read").fill("249")
    page.page.keyboard.press("Enter")
    rows = page.run("weightlens.inputs()[0].shape[0]")
    expected = weightlens.load(SAMPLES / "digits_mlp.keras").predict(inputs[249 : 249 + rows])[0]
    np.testing.assert_allclose(outputs(page)[: expected.size], expected.ravel(), rtol=1e-10, atol=1e-12)


@browser
def test_in_a_notebook(shown: Open, browser: Any) -> None:
    frame = weightlens.load(XOR).page([[0, 1]])._repr_html_()
    page = browser.new_page(offline=True)
    page.set_content(f"<html><body>{frame}</body></html>")
    inside = next(frame for frame in page.frames if frame.parent_frame is not None)
    inside.wait_for_function("globalThis.weightlens")
    inside.evaluate("weightlens.ready")
    assert inside.evaluate("weightlens.check()") <= CLOSE
    inside.evaluate("weightlens.set('xor/bias', 0, 3)")
    page.close()


def test_a_page_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pages, "LARGEST", 20_000)
    with pytest.raises(WorkbookTooLarge, match="--layers"):
        weightlens.export(XOR, tmp_path / "xor.html")
    assert not (tmp_path / "xor.html").exists()
    assert "--layers" in pages.measure(measure(weightlens.load(XOR)))


def test_a_page_of_xor_is_small(tmp_path: Path) -> None:
    weightlens.export(XOR, tmp_path / "xor.html")
    assert (tmp_path / "xor.html").stat().st_size <= 60_000
    weightlens.export(SAMPLES / "digits_mlp.keras", tmp_path / "digits.HTML")
    assert (tmp_path / "digits.HTML").stat().st_size <= 150_000


@browser
def test_a_file_of_matrices(shown: Open) -> None:
    page = shown(XOR, detail="weights")
    names = [weight["name"] for weight in page.run("weightlens.weights()")]
    assert names == list(weightlens.load(XOR).weights) and outputs(page) == []
    assert page.run("weightlens.get('hidden/kernel')") == weightlens.load(XOR)["hidden"].kernel.ravel().tolist()


def test_labels_that_fit_no_output_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        weightlens.export(XOR, tmp_path / "xor.html", labels=["a", "b", "c"])


@browser
def test_classes_and_sliders(shown: Open) -> None:
    page = shown(XOR, labels=["no", "yes"])
    answer = page.page.locator(".winner")
    assert answer.inner_text() == "answer: no"
    click(page, "input_layer_2", 0, 0)
    page.page.get_by_role("button", name="add a slider").click()
    page.page.locator(".slider input").fill("1")
    assert page.run("weightlens.get('input_layer_2')[0]") == 1
    assert answer.inner_text() == "answer: yes (in the file: no)"
    click(page, "input_layer_2", 2, 0)
    assert page.page.locator(".controls select").input_value() == "2"


@browser
def test_a_map_is_drawn_and_moves_a_sample(shown: Open) -> None:
    page = shown(XOR)
    page.page.locator(".maps .large canvas").scroll_into_view_if_needed()
    page.page.locator(".maps .large canvas").click(position={"x": 110, "y": 110})
    assert page.run("weightlens.get('input_layer_2').slice(0, 2)") == pytest.approx([0.5, 0.5], abs=0.02)
    found = outputs(page)[0]
    np.testing.assert_allclose(found, weightlens.load(XOR).predict([page.run("weightlens.get('input_layer_2').slice(0, 2)")])[0].item())
    assert "x0 to the right from \u22120.250 to 1.250, x1 upwards from" in page.page.locator(".maps .hint").first.inner_text()
    assert page.page.locator(".maps figure").count() == 16
    shades = "(c) => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size"
    colours = page.run(f"[...document.querySelectorAll('.maps canvas')].map({shades})")
    assert min(colours) > 1


@browser
def test_only_pictures_are_painted(shown: Open) -> None:
    assert not shown(XOR).page.get_by_label("paint with", exact=True).is_visible()
    page = shown(SAMPLES / "digits_cnn.keras")
    assert page.page.get_by_label("paint with", exact=True).is_visible()
    page.page.get_by_role("button", name="numbers", exact=True).first.click()
    assert not page.page.get_by_label("paint with", exact=True).is_visible()


@browser
def test_inputs_that_nobody_gave_are_said_to_be_made_up(shown: Open) -> None:
    for given, words in ((None, "No input was given (-i): these are examples, most of them random."), (np.ones((1, 8, 8, 1)), "")):
        sentence = shown(SAMPLES / "digits_cnn.keras", given).page.locator(".middle .sentence").inner_text()
        assert sentence.partition("nothing is computed here.")[2].strip() == words


@browser
def test_inputs_are_called_as_on_a_sheet(shown: Open) -> None:
    page = shown(SAMPLES / "or.h5")
    click(page, "input_layer", 1, 1)
    panel = page.page.locator(".panel h2")
    assert panel.inner_text().endswith("sample 1, x1")
    page.page.locator(".node").nth(1).click()
    click(page, "dense/kernel", 1, 0)
    assert panel.inner_text().endswith("x1, unit 0")
    page.page.locator(".node").nth(2).click()
    click(page, "softmax/activation", 1, 0)
    assert panel.inner_text().endswith("sample 1, class 0")


@browser
def test_one_number_for_each_sample_is_called_so(shown: Open) -> None:
    """The maximum of a softmax stands under the words that the sheet has; a sum on the way is a name and its value."""
    page = shown(SAMPLES / "or.h5")
    page.run(
        "(() => { const kept = CanvasRenderingContext2D.prototype, draw = kept.fillText; window.drawn = [];"
        "kept.fillText = function (text, ...at) { window.drawn.push(String(text)); return draw.call(this, text, ...at); }; })()"
    )
    page.page.locator(".node").nth(2).click()
    click(page, "softmax/activation", 1, 0)
    assert page.run("window.drawn.filter((text) => text === 'per sample').length") > 0
    titles = page.page.locator(".panel .chapter h3").all_inner_texts()
    assert titles and all(re.fullmatch(r"[a-z][a-z -]* = [-\u2212\d.e]+", title) for title in titles)


@browser
def test_the_columns_of_the_input_are_named_where_the_calculation_reads_them(shown: Open) -> None:
    """Here across the kernel, whose rows are units; the second kernel is as large, and reads units."""
    turned = Layer(
        "e", "EinsumDense", {"equation": "ab,cb->ac", "output_shape": [2]}, {"kernel": weight("kernel", KERNEL)}, [Call((Ref("x"),))]
    )
    page = shown(network(turned, dense("d", Ref("e")), outputs=[Ref("d")]), [[1.0, 2.0], [3.0, 4.0]])
    panel, said = page.page.locator(".panel h2"), []
    for node, block in ((0, "x"), (1, "e/kernel"), (2, "d/kernel")):
        page.page.locator(".node").nth(node).click()
        click(page, block, 1, 0)
        said.append(panel.inner_text().splitlines()[-1])
    assert [text.partition("kernel")[2] or text for text in said] == ["x sample 1, x0", " unit 1, x0", " from unit 1, unit 0"]


@browser
def test_layers_of_a_nested_model_are_told_apart(shown: Open) -> None:
    """The beginning of their paths is the same: of what is too long for a box its end is shown."""
    inner = network(
        dense("feature_extractor_a", Ref("x")),
        dense("feature_extractor_b", Ref("feature_extractor_a")),
        outputs=[Ref("feature_extractor_b")],
    )
    outer = network(
        Layer("a_model_with_a_long_name", "Functional", {}, calls=[Call((Ref("x"),))], model=inner),
        outputs=[Ref("a_model_with_a_long_name")],
    )
    names = shown(outer, [[1.0, 2.0]]).page.locator(".node .name").all_text_contents()
    assert names[1:] == ["\u2026feature_extractor_a", "\u2026feature_extractor_b"]
