"""Findings as one HTML file: totals, then rule by rule; a search field leaves only the rows that contain a word."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import BinaryIO

from weightlens.auditing import Audit
from weightlens.auditing.finding import Finding
from weightlens.auditing.reports import cells_of
from weightlens.auditing.reports.findings_table import summary
from weightlens.auditing.rule_levels import rules
from weightlens.page.document import digest
from weightlens.terminal.escape import written_out

STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; color: #222 }
h1 { font-size: 1.4em } summary { cursor: pointer; font-weight: 600; padding: .4em 0 }
table { border-collapse: collapse; width: 100%; font-size: 13px; table-layout: fixed }
th:nth-child(1) { width: 5em } th:nth-child(2) { width: 24% } th:nth-child(3) { width: 12% } th:nth-child(4) { width: 8% }
th:nth-child(6) { width: 24% } td, th { border: 1px solid #bfbfbf; padding: .25em .5em; text-align: left;
vertical-align: top; overflow-wrap: anywhere } th { background: #f2f2f2 } .about { color: #6a6a6a; margin: 0 0 .5em }
.error td:first-child { background: #f6c9c0 } .warning td:first-child { background: #fff2b8 } .note td:first-child { background: #e8eef7 }
input { font: inherit; padding: .3em; width: 20em } code { white-space: pre-wrap; font-size: 12px }
"""
SCRIPT = """
const field = document.getElementById("filter");
field.addEventListener("input", () => {
  for (const row of document.querySelectorAll("tbody tr")) row.hidden = !row.textContent.toLowerCase().includes(field.value.toLowerCase());
});
"""
COLUMNS = ("level", "file", "layer", "weight", "message", "evidence")
MOST = 5000  # rows of one rule


def write_html(audit: Audit, file: BinaryIO) -> None:
    """Write the page. Everything in it that comes from a file is escaped, and nothing but its own script may run."""
    policy = f"default-src 'none'; script-src {digest(SCRIPT)}; style-src {digest(STYLE)}; base-uri 'none'; form-action 'none'"
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Audit of models</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><style>{STYLE}</style></head><body><h1>Audit of models</h1>'
    )
    file.write(head.encode())
    file.write("".join(f"<p>{cell(line)}</p>" for line in summary(audit)).encode())
    file.write(b'<p><label>Show the rows with <input id="filter" type="search"></label></p>')
    counts = Counter[str]()
    rows: dict[str, list[Finding]] = {}
    for one in audit.in_order():
        counts[one.rule] += 1
        if counts[one.rule] <= MOST:
            rows.setdefault(one.rule, []).append(one)
    for name in (name for name in rules() if name in rows):
        file.write(section(name, rows[name], counts[name]).encode())
    file.write(f"<script>{SCRIPT}</script></body></html>\n".encode())


def section(name: str, shown: list[Finding], count: int) -> str:
    """The findings of one rule, below its description; a long list is cut."""
    rule = rules()[name][1]
    heads = "".join(f"<th>{column}</th>" for column in COLUMNS)
    more = f"<p>and {count - MOST:,} more, which the other formats have</p>" if count > MOST else ""
    about = f"{cell(rule.says)}: {cell(rule.formula)}. {cell(rule.source)}"
    return (
        f"<details open><summary>{name} ({count:,})</summary><p class=about>{about}</p>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(map(row, shown))}</tbody></table>{more}</details>\n"
    )


def row(one: Finding) -> str:
    """A finding as a row."""
    *cells, evidence = map(cell, cells_of(one, COLUMNS))
    cells.append(f"<code>{evidence}</code>")
    return f"<tr class={one.level}>{''.join(f'<td>{text}</td>' for text in cells)}</tr>"


def cell(text: str) -> str:
    """A text from a file as HTML: its markup escaped, what is not seen written out."""
    return escape(written_out(text))
