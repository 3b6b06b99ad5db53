// The functions that our formulas use, as every spreadsheet has them, on numbers as JavaScript has them: NaN and infinity are
// numbers, and TRUE and FALSE are 1 and 0.

/** The error function: a series of positive terms, and far out a continued fraction. */
function erf(x) {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let term = a;
    let total = a;
    for (let n = 1; term > total * 1e-17; n++) total += term *= (2 * a * a) / (2 * n + 1);
    return (Math.sign(x) * 2 * Math.exp(-a * a) * total) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 120; n > 0; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}

/** The remainder, with the sign of the divisor. */
function mod(x, y) {
  const rest = x % y;
  return rest && rest < 0 !== y < 0 ? rest + y : rest;
}

/** Half away from zero. */
function round(x, digits) {
  const unit = 10 ** digits;
  return (Math.sign(x) * Math.round(Math.abs(x) * unit)) / unit;
}

/** Functions of single values. */
export const SINGLE = {
  EXP: Math.exp,
  LN: Math.log,
  LOG10: Math.log10,
  SQRT: Math.sqrt,
  ABS: Math.abs,
  SIGN: Math.sign,
  TANH: Math.tanh,
  SINH: Math.sinh,
  COSH: Math.cosh,
  ASINH: Math.asinh,
  ACOSH: Math.acosh,
  ATANH: Math.atanh,
  SIN: Math.sin,
  COS: Math.cos,
  TAN: Math.tan,
  ASIN: Math.asin,
  ACOS: Math.acos,
  ATAN: Math.atan,
  INT: Math.floor,
  TRUNC: Math.trunc,
  ROUND: round,
  MOD: mod,
  ERF: erf,
  LOG: (x, base) => (base === 2 ? Math.log2(x) : Math.log(x) / Math.log(base)),
  DEGREES: (x) => (x * 180) / Math.PI,
  RADIANS: (x) => (x * Math.PI) / 180,
  NOT: (x) => (x ? 0 : 1),
  IF: (condition, yes, no) => (condition ? yes : no),
  NA: () => NaN,
  LEN: (text) => text.length,
  EXACT: (a, b) => (a === b ? 1 : 0),
};

/** Functions of single values that give a text. */
export const TEXTUAL = {
  CHAR: (code) => String.fromCharCode(code),
  REPT: (text, times) => text.repeat(times),
  TRIM: (text) => text.split(" ").filter(Boolean).join(" "),
  MID: (text, first, length) => text.slice(first - 1, first - 1 + length),
  SUBSTITUTE: (text, old, by) => text.replaceAll(old, by),
};

/** The largest by an order; NaN where one of them is. */
function extreme(values, n, before) {
  let found = values[0];
  for (let i = 1; i < n; i++) if (before(values[i], found) || values[i] !== values[i]) found = values[i];
  return found;
}

function sum(values, n) {
  let total = 0;
  for (let i = 0; i < n; i++) total += values[i];
  return total;
}

function variance(values, n) {
  const mean = sum(values, n) / n;
  let total = 0;
  for (let i = 0; i < n; i++) total += (values[i] - mean) ** 2;
  return total / n;
}

const sorted = (values, n) => values.slice(0, n).sort();

function median(values, n) {
  const list = sorted(values, n);
  return n % 2 ? list[(n - 1) / 2] : (list[n / 2 - 1] + list[n / 2]) / 2;
}

/** Functions of many values, areas among them: of the first n of an array. */
export const MANY = {
  SUM: sum,
  AVERAGE: (values, n) => sum(values, n) / n,
  MAX: (values, n) => extreme(values, n, (a, b) => a > b),
  MIN: (values, n) => extreme(values, n, (a, b) => a < b),
  PRODUCT: (values, n) => values.slice(0, n).reduce((a, b) => a * b, 1),
  AND: (values, n) => (values.slice(0, n).every(Boolean) ? 1 : 0),
  OR: (values, n) => (values.slice(0, n).some(Boolean) ? 1 : 0),
  VARP: variance,
  STDEVP: (values, n) => Math.sqrt(variance(values, n)),
  MEDIAN: median,
};

/** Functions of an area and a value: of its cells in order. */
export const LOOKUPS = {
  SMALL: (cells, k) => sorted(cells, cells.length)[k - 1],
  MATCH: (cells, value) => cells.indexOf(value) + 1 || NaN,
};
