// Formulas read: a pattern (texts, and holes for cells) becomes a tree.
//
// A node is {kind, ...}: "number" {value}, "text" {value}, "cell" and "area" {hole, height, width, stride, text},
// "sign" {of}, "infix" {sign, left, right}, "call" {name, of}.

const TOKEN = /\s*(?:"((?:[^"]|"")*)"|(\d*\.?\d+)|([A-Z][A-Z0-9.]*)(?=\()|(<>|<=|>=|[-+*/^&=<>(),]))/y;
const BINDS = { "=": 1, "<>": 1, "<": 1, ">": 1, "<=": 1, ">=": 1, "&": 2, "+": 3, "-": 3, "*": 4, "/": 4, "^": 5 };

/** The tokens of a pattern. */
function tokens(pattern) {
  const found = [];
  let holes = 0;
  for (const piece of pattern) {
    if (typeof piece !== "string") {
      const [height, width, stride, text] = piece;
      found.push({ kind: height * width > 1 ? "area" : "cell", hole: holes++, height, width, stride, text });
      continue;
    }
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < piece.length) {
      const at = TOKEN.lastIndex;
      const match = TOKEN.exec(piece);
      if (!match) throw new Error(`a formula goes on with ${piece.slice(at, at + 20)}`);
      const [, text, number, name, sign] = match;
      if (text !== undefined) found.push({ kind: "text", value: text.replaceAll('""', '"') });
      else if (number !== undefined) found.push({ kind: "number", value: Number(number) });
      else found.push(name ? { kind: "name", name } : { kind: sign });
    }
  }
  return found;
}

/** The tree of a pattern. As in every spreadsheet, a sign binds more tightly than a power. */
export function parse(pattern) {
  const list = tokens(pattern);
  let at = 0;

  function expect(kind) {
    if (list[at++]?.kind !== kind) throw new Error(`a formula lacks ${kind}`);
  }

  function called(name) {
    const of = [];
    expect("(");
    while (list[at].kind !== ")") {
      of.push(expression(0));
      if (list[at].kind === ",") at++;
    }
    at++;
    return { kind: "call", name, of };
  }

  function atom() {
    const token = list[at++];
    if (token.kind === "name") return called(token.name);
    if (token.kind === "-") return { kind: "sign", of: atom() };
    if (token.kind === "+") return atom();
    if (token.kind !== "(") return token;
    const inside = expression(0);
    expect(")");
    return inside;
  }

  function expression(loosest) {
    let left = atom();
    while (at < list.length && BINDS[list[at].kind] > loosest) {
      const sign = list[at++].kind;
      left = { kind: "infix", sign, left, right: expression(BINDS[sign]) };
    }
    return left;
  }

  const tree = expression(0);
  if (at < list.length) throw new Error("a formula goes on after its end");
  return tree;
}
