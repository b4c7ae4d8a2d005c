"use strict";

const { limit, values, draws, seen, hundredths, runs, digits } = JSON.parse(document.getElementById("data").textContent);
const SIDE = 28;
const PERIOD = 5000; // milliseconds of a code that is played back and forth
const FRAME = 20; // milliseconds of drawing at a time
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const one = (selector, within = document) => within.querySelector(selector);
const form = one(".explorer");
const moments = Math.max(...runs.map((run) => run.snapshots.length));

/* A number as it is read: a true minus, `decimals`, no minus before a zero; with its sign on demand. */
function written(number, decimals, signed = false) {
  const text = Math.abs(number).toFixed(decimals);
  const zero = Number(text) === 0;
  return (number < 0 && !zero ? "−" : signed && !zero ? "+" : "") + text;
}

function percent(share) {
  return share > 0 && share < 0.001 ? "< 0.1 %" : `${written(100 * share, share < 0.0995 || share > 0.9949 ? 1 : 0)} %`;
}

/* --- What the page holds ------------------------------------------------------------------------------------------ */

/* A run at the moment of its training that `state.at` names. */
const current = (run) => run.snapshots[Math.min(state.at, run.snapshots.length - 1)];

/* Unpack G and what is read in its images, once. */
function load(snapshot) {
  snapshot.loading ??= Promise.all([inflated(snapshot.generator), inflated(snapshot.read)]).then(([weights, read]) => {
    snapshot.tables = unpacked(weights, snapshot.shapes);
    snapshot.codes = new Int16Array(read);
  });
  return snapshot.loading;
}

/* The four values of the grid around (c2, c3): their place in it, and their weight. */
function corners({ c2, c3 }) {
  const along = (code) => {
    const place = ((code + limit) / (2 * limit)) * (values - 1);
    const below = Math.min(Math.floor(place), values - 2);
    return [[below, 1 - (place - below)], [below + 1, place - below]];
  };
  return along(c3).flatMap(([row, inRow]) => along(c2).map(([column, inColumn]) => [row * values + column, inRow * inColumn]));
}

/* What is read in the image of a draw of z and a code: c1 of the nearest value of the grid, c2 and c3 between its values. */
function readIn(snapshot, draw, code) {
  const of = snapshot.codes.length / 3;
  const first = (code.c1 * draws + draw) * values ** 2;
  const around = corners(code);
  const [nearest] = around.reduce((a, b) => (b[1] > a[1] ? b : a));
  const mean = (start) => around.reduce((sum, [place, weight]) => sum + weight * snapshot.codes[start + first + place], 0);
  return { c1: snapshot.codes[first + nearest], c2: mean(of) / hundredths, c3: mean(2 * of) / hundredths };
}

/* --- Drawing ------------------------------------------------------------------------------------------------------- */

const waiting = new Map(); // canvases, and how each is drawn: as many in a frame as there is time for, those in sight first

function later(canvas, draw) {
  if (!waiting.size) requestAnimationFrame(drawSome);
  waiting.set(canvas, draw);
}

function inSight(canvas) {
  const { top, bottom } = canvas.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}

function drawSome() {
  const end = performance.now() + FRAME;
  for (const [canvas, draw] of [...waiting].sort(([a], [b]) => inSight(b) - inSight(a))) {
    draw(canvas.getContext("2d"));
    waiting.delete(canvas);
    if (performance.now() > end) break;
  }
  if (waiting.size) requestAnimationFrame(drawSome);
  else document.body.ariaBusy = "false";
}

function paint(context, brightness) {
  const image = context.createImageData(SIDE, SIDE);
  brightness.forEach((grey, i) => image.data.set([255 * grey, 255 * grey, 255 * grey, 255], 4 * i));
  context.putImageData(image, 0, 0);
}

function drawTile(tile, run, place) {
  const snapshot = current(run);
  const draw = (state.z + place) % draws;
  const canvas = one("canvas", tile);
  const exists = state.c1 < run.categories;
  const code = { ...state };
  if (exists && !snapshot.tables) return; // drawn when it is loaded
  later(canvas, (context) => {
    if (exists) paint(context, generate(snapshot.tables, draw, code));
    else context.clearRect(0, 0, SIDE, SIDE);
  });
  const read = exists && readIn(snapshot, draw, code);
  const right = read.c1 === code.c1;
  tile.classList.toggle("wrong", exists && !right);
  const words = exists ? [`${read.c1} ${right ? "✓" : "✗"}`, written(read.c2, 1), written(read.c3, 1)] : ["–", "–", "–"];
  all("b", tile).forEach((cell, i) => (cell.textContent = words[i]));
  canvas.ariaLabel = exists
    ? `${run.name}, draw ${draw + 1} of z; read in it: c1 = ${read.c1}, ${right ? "right" : "wrong"}, c2 = ${words[1]}, c3 = ${words[2]}`
    : `${run.name} has no category ${code.c1}`;
}

/* What c2, then c3, does to the slant and width of a category. */
function drawEffects(cells, effects) {
  const words = effects?.flatMap(([slant, width]) => [`${written(slant, 0, true)}°`, `${written(width, 1, true)} px`]);
  cells.forEach((cell, i) => (cell.textContent = words?.[i] ?? "–"));
}

function drawRuns() {
  for (const row of all(".run")) {
    const run = runs[row.dataset.run];
    row.hidden = !state.runs.includes(run.variant);
    if (row.hidden) continue;
    one(".right", row).textContent = percent(current(run).right);
    drawEffects(all("tbody td", row), current(run).effects[state.c1]);
    all("figure", row).forEach((tile, place) => drawTile(tile, run, place));
    if (!current(run).tables) load(current(run)).then(drawRuns);
  }
}

function drawControls() {
  for (const input of all("[name=c1]")) input.checked = Number(input.value) === state.c1;
  for (const input of all("[name=runs]")) input.checked = state.runs.includes(input.value);
  for (const button of all(".play")) button.ariaPressed = String(button.value === playing);
  const beyond = ["c2", "c3"].filter((code) => Math.abs(state[code]) > 1);
  for (const code of ["c2", "c3"]) {
    const slider = form.elements[code];
    const output = one(`output[for=${code}]`);
    slider.value = state[code];
    output.textContent = written(state[code], 2);
    output.classList.toggle("warning", beyond.includes(code));
    slider.ariaValueText = output.textContent + (beyond.includes(code) ? ", beyond the trained range" : "");
  }
  const note = one("#range");
  note.classList.toggle("warning", beyond.length > 0);
  note.textContent = beyond.length ? `${beyond.join(", ")} beyond ±1: G extrapolates.` : "Solid: the range that was trained.";
  const iterations = [...new Set(runs.map((run) => current(run).iteration))].join(" or ");
  form.elements.at.value = state.at;
  form.elements.at.ariaValueText = one("output[for=at]").textContent = `after ${iterations} iterations`;
  one("#draws").textContent = `${state.z + 1} to ${((state.z + seen - 1) % draws) + 1} of ${draws}`;
}

/* --- Test digits --------------------------------------------------------------------------------------------------- */

/* The category that is likeliest for a test digit. */
const likeliest = (run, image) => run.posteriors[image].indexOf(Math.max(...run.posteriors[image]));
const isRight = (run, image) => run.digits[likeliest(run, image)] === digits[image].digit;

async function drawReading() {
  const run = runs[state.reader];
  const wrong = digits.filter((_, image) => !isRight(run, image)).length;
  one("#errors").textContent =
    `${run.name}: ${wrong} of these ${digits.length} are wrong; of the whole test split ${percent(run.error)}.`;
  for (const input of all("[name=reader]")) input.checked = input.value === run.variant;
  all("[name=digit]").forEach((input, image) => {
    input.checked = image === state.digit;
    input.parentElement.classList.toggle("wrong", !isRight(run, image));
    input.ariaLabel = `test image ${digits[image].place}, a ${digits[image].digit}, read ${isRight(run, image) ? "right" : "wrong"}`;
  });
  const { place, digit } = digits[state.digit];
  const posterior = run.posteriors[state.digit];
  const [c2, c3] = run.continuous[state.digit];
  const c1 = likeliest(run, state.digit);
  const matched = run.digits[c1] < 0 ? "no digit" : `the digit ${run.digits[c1]}`;
  const image = one(".chosen span");
  image.style.setProperty("--row", state.digit);
  image.ariaLabel = `test image ${place}, a ${digit}`;
  one(".chosen p").textContent =
    `Test image ${place}, a ${digit}.\nRead: c1 = ${c1} (${percent(posterior[c1])}), matched to ${matched}: ` +
    `${isRight(run, state.digit) ? "right ✓" : "wrong ✗"}.\nc2 = ${written(c2, 2)}, c3 = ${written(c3, 2)}.`;
  const trained = run.snapshots.at(-1);
  await load(trained);
  if (run !== runs[state.reader]) return;
  all(".bars li").forEach((bar, category) => {
    bar.hidden = category >= run.categories;
    if (bar.hidden) return;
    bar.style.setProperty("--share", `${100 * posterior[category]}%`);
    one(".percent", bar).textContent = percent(posterior[category]);
    later(one("canvas", bar), (context) => paint(context, generate(trained.tables, 0, { c1: category, c2: 0, c3: 0 })));
  });
  all(".redrawn canvas").forEach((canvas, draw) =>
    later(canvas, (context) => paint(context, generate(trained.tables, draw, { c1, c2, c3 }))));
}

/* --- The state, and its link --------------------------------------------------------------------------------------- */

function fromFragment() {
  const given = new URLSearchParams(location.hash.slice(1));
  const number = (name, low, high, absent) => {
    const value = Number(given.get(name) ?? absent);
    return Number.isFinite(value) ? Math.min(Math.max(value, low), high) : absent;
  };
  const whole = (name, high, absent = 0) => Math.round(number(name, 0, high, absent));
  const names = runs.map((run) => run.variant);
  const wanted = (given.get("runs") ?? "").split(",");
  const shown = names.filter((name) => wanted.includes(name));
  return {
    runs: shown.length ? shown : names,
    at: whole("at", moments - 1, moments - 1),
    z: whole("z", draws - 1),
    c1: whole("c1", all("[name=c1]").length - 1, Number(form.dataset.c1)),
    c2: number("c2", -limit, limit, 0),
    c3: number("c3", -limit, limit, 0),
    reader: Math.max(names.indexOf(given.get("reader")), 0),
    digit: whole("digit", digits.length - 1),
  };
}

const fragment = () =>
  "#" + Object.entries({ ...state, reader: runs[state.reader].variant }).map(([name, value]) => `${name}=${value}`).join("&");

let playing = null; // the code that moves by itself
let state = fromFragment();
let toDraw = 0;
let toKeep = 0;

/* Take over `changes`; draw once a frame, and keep the link when the hand rests: browsers limit how often it may change. */
function change(changes) {
  state = { ...state, ...changes };
  cancelAnimationFrame(toDraw);
  toDraw = requestAnimationFrame(() => {
    drawControls();
    drawRuns();
  });
  clearTimeout(toKeep);
  toKeep = setTimeout(() => history.replaceState(null, "", fragment()), 200);
  if ("digit" in changes || "reader" in changes) drawReading();
}

/* Move a code back and forth over the trained range, from where it is, until something else moves it. */
function play(code) {
  playing = code;
  const start = performance.now() - (Math.asin(Math.min(Math.max(state[code], -1), 1)) / (2 * Math.PI)) * PERIOD;
  const step = (now) => {
    if (playing !== code) return;
    change({ [code]: Number(Math.sin(((now - start) / PERIOD) * 2 * Math.PI).toFixed(2)) });
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", ({ target }) => {
  if (target.name === "runs") {
    const shown = all("[name=runs]:checked", form).map((input) => input.value);
    change({ runs: shown.length ? shown : state.runs }); // one stays
    return;
  }
  if (target.name === playing) playing = null;
  change({ [target.name]: Number(target.value) });
});
for (const button of all(".play")) {
  button.addEventListener("click", () => {
    if (playing === button.value) playing = null;
    else play(button.value);
    drawControls();
  });
}
one("#other").addEventListener("click", () => change({ z: (state.z + seen) % draws }));
/* A finger that comes down on a slider and scrolls the page leaves the code as it was: the browser cancels its pointer. */
let untouched = {};
form.addEventListener("pointerdown", ({ target }) => {
  untouched = target.type === "range" ? { [target.name]: state[target.name] } : {};
});
form.addEventListener("pointercancel", () => change(untouched));
one("#read").addEventListener("input", ({ target }) =>
  change(target.name === "digit" ? { digit: Number(target.value) } : { reader: runs.findIndex((run) => run.variant === target.value) }));
one("#take").addEventListener("click", () => {
  const run = runs[state.reader];
  const [c2, c3] = run.continuous[state.digit].map((code) => Math.min(Math.max(code, -limit), limit));
  playing = null;
  change({ runs: [...new Set([...state.runs, run.variant])], at: moments - 1, c1: likeliest(run, state.digit), c2, c3 });
  one(`.run[data-run="${state.reader}"]`).scrollIntoView();
});
addEventListener("hashchange", () => change(fromFragment()));

change({ digit: state.digit });
