"""Write the gallery's workbooks and print the counts: ``python -m tests.gallery FOLDER [WORD...]``, only cases with one of the words."""

from __future__ import annotations

import sys
from pathlib import Path

import weightlens
from tests.gallery.counting import KINDS, faults
from tests.gallery.shown import SHOWN, Shown


def chosen(words: list[str]) -> list[Shown]:
    """The cases with one of the words in their title; all where there are none."""
    return [one for one in SHOWN if not words or any(word.lower() in one.title.lower() for word in words)]


def write_models(folder: Path, shown: list[Shown]) -> None:
    """The models that are not there yet."""
    missing = [one for one in shown if not model_of(folder, one).is_file()]
    if not missing:
        return
    import keras

    for one in missing:
        keras.utils.clear_session(free_memory=False)
        one.case.model(keras).save(model_of(folder, one))


def model_of(folder: Path, one: Shown) -> Path:
    return folder / f"{SHOWN.index(one):02}.keras"


def main(folder: Path, words: list[str]) -> None:
    """Counts per case, what was found, and the sums."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = chosen(words)
    write_models(folder, shown)
    sums = dict.fromkeys(KINDS, 0)
    for one in shown:
        book = model_of(folder, one).with_suffix(".xlsx")
        weightlens.export(weightlens.load(model_of(folder, one)), book, inputs=one.case.inputs(), force=True)
        found = faults(book, model_of(folder, one), one.case.inputs())
        print(f"{book.stem} {one.title}:", " ".join(f"{kind} {n}" for kind, n in found.counts.items() if n) or "nothing")
        for kind, places in found.found.items():
            sums[kind] += len(places)
            print(*(f"    {kind}: {place}" for place in places[: None if words else 6]), sep="\n", end="\n" if places else "")
    print("all:", " ".join(f"{kind} {n}" for kind, n in sums.items()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
