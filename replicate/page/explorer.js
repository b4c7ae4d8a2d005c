"use strict";

const { limit, values, draws, seen, parts, opening, runs, digits } = JSON.parse(
  document.getElementById("data").textContent);
const SIDE = 28;
const PERIOD = 5000; // milliseconds of a code that is played back and forth
const FRAME = 20; // milliseconds of drawing at a time
const PHONE = matchMedia("(max-width: 43.99rem)");
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const one = (selector, within = document) => within.querySelector(selector);
const clamp = (value, high, low = 0) => Math.min(Math.max(value, low), high);
const form = one(".explorer");
const names = runs.map((run) => run.variant);
const moments = Math.max(...runs.map((run) => run.snapshots.length));

/* Write what is not there already: a screen reader may say again what is written again. */
function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/* A number as it is read: a true minus, `decimals`, no minus before a zero. */
function written(number, decimals) {
  const text = Math.abs(number).toFixed(decimals);
  return (number < 0 && Number(text) !== 0 ? "−" : "") + text;
}

function percent(share) {
  const fine = share < 0.0995 || (share > 0.9949 && share < 0.9995);
  return share > 0 && share < 0.001 ? "< 0.1\u00a0%" : `${written(100 * share, fine ? 1 : 0)}\u00a0%`;
}

/* --- What the page holds ------------------------------------------------------------------------------------------ */

/* A run at the moment that `state.at` names. */
const current = (run) => run.snapshots[Math.min(state.at, run.snapshots.length - 1)];

/* The digits that a category of a run makes. */
function makes(run, c1) {
  const made = current(run).digits[c1] ?? ["–"];
  return made.length && made.length <= 3 ? made.join("/") : "mixed";
}

/* Unpack G and what is read in its images, once. */
function load(snapshot) {
  snapshot.loading ??= Promise.all([inflated(snapshot.generator), inflated(snapshot.read)]).then(([weights, read]) => {
    snapshot.tables = unpacked(weights, snapshot.shapes);
    snapshot.codes = new Int8Array(read);
  });
  return snapshot.loading;
}

/* What is read in the image of a draw of z and a code: c1 of the nearest value of the grid, c2 and c3 between its values. */
function readIn({ codes }, draw, { c1, c2, c3 }) {
  const along = (code) => {
    const place = ((code + limit) / (2 * limit)) * (values - 1);
    const below = Math.min(Math.floor(place), values - 2);
    return [[below, 1 - (place - below)], [below + 1, place - below]];
  };
  const first = (c1 * draws + draw) * values ** 2;
  const around = along(c3).flatMap(([row, inRow]) =>
    along(c2).map(([column, inColumn]) => [first + row * values + column, inRow * inColumn]));
  const [nearest] = around.reduce((a, b) => (b[1] > a[1] ? b : a));
  const mean = (code) =>
    around.reduce((sum, [place, weight]) => sum + weight * codes[(code * codes.length) / 3 + place], 0) / parts;
  return { c1: codes[nearest], c2: mean(1), c3: mean(2) };
}

/* --- Drawing ------------------------------------------------------------------------------------------------------- */

const waiting = new Map(); // canvases, and how each is drawn: as many in a frame as there is time for

function later(canvas, brightness) {
  if (!waiting.size) requestAnimationFrame(drawSome);
  waiting.set(canvas, brightness);
}

function drawSome() {
  const end = performance.now() + FRAME;
  for (const [canvas, brightness] of waiting) {
    const image = new ImageData(SIDE, SIDE);
    brightness()?.forEach((grey, i) => image.data.set([255 * grey, 255 * grey, 255 * grey, 255], 4 * i));
    canvas.getContext("2d").putImageData(image, 0, 0);
    waiting.delete(canvas);
    if (performance.now() > end) break;
  }
  if (waiting.size) requestAnimationFrame(drawSome);
  else document.body.ariaBusy = "false";
}

function drawTile(tile, run, place) {
  const snapshot = current(run);
  const draw = (state.z + place) % draws;
  const code = { ...state };
  const exists = code.c1 < run.categories;
  const canvas = one("canvas", tile);
  later(canvas, () => exists && generate(snapshot.tables, draw, code));
  const read = exists && readIn(snapshot, draw, code);
  const right = read.c1 === code.c1;
  tile.classList.toggle("wrong", exists && !right);
  const words = exists ? [`${read.c1} ${right ? "✓" : "✗"}`, written(read.c2, 1), written(read.c3, 1)] : ["–", "–", "–"];
  all("b", tile).forEach((cell, i) => put(cell, words[i]));
  canvas.ariaLabel = exists
    ? `${run.label}, draw ${draw + 1} of z; read in it: c1 = ${read.c1}, ${right ? "right" : "wrong"}, c2 = ${words[1]}, c3 = ${words[2]}`
    : `${run.label} has no category ${code.c1}`;
}

function drawRun(row, run) {
  const snapshot = current(run);
  row.open = state.runs.includes(run.variant);
  put(one(".right", row), percent(snapshot.right));
  put(one(".error", row), snapshot === run.snapshots.at(-1) ? percent(run.error) : "–");
  put(one(".makes", row), makes(run, state.c1));
  if (!row.open) return;
  if (!snapshot.tables) {
    load(snapshot).then(draw);
    return;
  }
  all("figure", row).forEach((tile, place) => drawTile(tile, run, place));
}

function draw() {
  const lead = runs.find((run) => state.runs.includes(run.variant)) ?? runs[0];
  put(one("#lead"), lead.label);
  all("[name=c1]").forEach((input, c1) => {
    input.checked = c1 === state.c1;
    input.ariaLabel = `category ${c1}: ${lead.label} makes ${makes(lead, c1)}`;
    put(one("b", input.parentElement), makes(lead, c1));
  });
  const iterations = [...new Set(runs.map((run) => current(run).iteration))].join(" or ");
  for (const name of ["c2", "c3", "at"]) {
    const slider = form.elements[name];
    const beyond = name !== "at" && Math.abs(state[name]) > 1;
    const value = one(".value", slider.parentElement);
    slider.value = state[name];
    put(value, name === "at" ? `${iterations} iterations` : written(state[name], 2));
    value.classList.toggle("warning", beyond);
    slider.ariaValueText = value.textContent + (beyond ? ", beyond the trained range" : "");
  }
  for (const button of all(".play")) button.ariaPressed = String(button.value === playing);
  all(".run").forEach((row, i) => drawRun(row, runs[i]));
}

/* --- Test images --------------------------------------------------------------------------------------------------- */

/* The category that is likeliest for a test image. */
const likeliest = (run, image) => run.posteriors[image].indexOf(Math.max(...run.posteriors[image]));
const isRight = (run, image) => run.matched[likeliest(run, image)] === digits[image].digit;

async function drawReading() {
  const run = runs[state.reader];
  const wrong = digits.filter((_, image) => !isRight(run, image)).length;
  put(one("#errors"), `${run.label}: ${wrong} of these ${digits.length} are wrong; of all test images ${percent(run.error)}.`);
  for (const input of all("[name=reader]")) input.checked = input.value === run.variant;
  all("[name=digit]").forEach((input, image) => {
    const { place, digit } = digits[image];
    input.checked = image === state.digit;
    input.parentElement.classList.toggle("wrong", !isRight(run, image));
    input.ariaLabel = `test image ${place}, a ${digit}, read ${isRight(run, image) ? "right" : "wrong"}`;
  });
  const { place, digit } = digits[state.digit];
  const posterior = run.posteriors[state.digit];
  const [c2, c3] = run.continuous[state.digit];
  const c1 = likeliest(run, state.digit);
  const matched = run.matched[c1] < 0 ? "no digit" : `the digit ${run.matched[c1]}`;
  const image = one(".chosen span");
  image.style.setProperty("--row", state.digit);
  image.ariaLabel = `test image ${place}, a ${digit}`;
  put(one(".chosen p"),
    `Test image ${place}, a ${digit}.\nRead: c1 = ${c1} (${percent(posterior[c1])}), matched to ${matched}: ` +
    `${isRight(run, state.digit) ? "right ✓" : "wrong ✗"}.\nc2 = ${written(c2, 2)}, c3 = ${written(c3, 2)}.`);
  const trained = run.snapshots.at(-1);
  await load(trained);
  if (run !== runs[state.reader]) return;
  all(".bars li").forEach((bar, category) => {
    bar.hidden = category >= run.categories;
    if (bar.hidden) return;
    bar.style.setProperty("--share", `${100 * posterior[category]}%`);
    put(one(".percent", bar), percent(posterior[category]));
    later(one("canvas", bar), () => generate(trained.tables, 0, { c1: category, c2: 0, c3: 0 }));
  });
}

/* --- The state, and its link --------------------------------------------------------------------------------------- */

function fromFragment() {
  const given = new URLSearchParams(location.hash.slice(1));
  const number = (name, absent, high, low = 0) => {
    const value = Number(given.get(name) ?? absent);
    return Number.isFinite(value) ? clamp(value, high, low) : absent;
  };
  const whole = (name, absent, high) => Math.round(number(name, absent, high));
  const wanted = names.filter((name) => (given.get("runs") ?? "").split(",").includes(name));
  return {
    runs: wanted.length ? wanted : PHONE.matches ? names.slice(0, 2) : names,
    at: whole("at", moments - 1, moments - 1),
    z: whole("z", 0, draws - 1),
    c1: whole("c1", opening, all("[name=c1]").length - 1),
    c2: number("c2", 0, limit, -limit),
    c3: number("c3", 0, limit, -limit),
    reader: Math.max(names.indexOf(given.get("reader")), 0),
    digit: whole("digit", 0, digits.length - 1),
  };
}

/* Keep the state in the address. A page inside another one may have none that can be changed. */
function keep() {
  const kept = Object.entries({ ...state, reader: names[state.reader] }).map(([name, value]) => `${name}=${value}`);
  try {
    history.replaceState(null, "", `#${kept.join("&")}`);
  } catch {
    return;
  }
}

let playing = null; // the code that moves by itself
let state = fromFragment();
let toDraw = 0;
let toKeep = 0;

/* Take over `changes`; draw once a frame, and keep the link when the hand rests: browsers limit how often it may change. */
function change(changes) {
  state = { ...state, ...changes };
  cancelAnimationFrame(toDraw);
  toDraw = requestAnimationFrame(draw);
  clearTimeout(toKeep);
  toKeep = setTimeout(keep, 200);
  if ("digit" in changes || "reader" in changes) drawReading();
}

/* Move a code back and forth over the trained range, from where it is, until something else moves it. */
function play(code) {
  playing = code;
  const start = performance.now() - (Math.asin(clamp(state[code], 1, -1)) / (2 * Math.PI)) * PERIOD;
  const step = (now) => {
    if (playing !== code) return;
    change({ [code]: Number(Math.sin(((now - start) / PERIOD) * 2 * Math.PI).toFixed(2)) });
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", ({ target }) => {
  if (target.name === playing) playing = null;
  change({ [target.name]: Number(target.value) });
});
all(".run").forEach((row, i) => one("summary", row).addEventListener("click", (event) => {
  event.preventDefault(); // `draw` opens and folds
  change({ runs: names.filter((name) => state.runs.includes(name) !== (name === names[i])) });
}));
for (const button of all(".play")) {
  button.addEventListener("click", () => {
    if (playing === button.value) playing = null;
    else play(button.value);
    change({});
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
  change(target.name === "digit" ? { digit: Number(target.value) } : { reader: names.indexOf(target.value) }));
one("#take").addEventListener("click", () => {
  const run = runs[state.reader];
  const [c2, c3] = run.continuous[state.digit].map((code) => clamp(code, limit, -limit));
  playing = null;
  change({ runs: [...new Set([...state.runs, run.variant])], at: moments - 1, c1: likeliest(run, state.digit), c2, c3 });
  form.scrollIntoView();
});
addEventListener("hashchange", () => change(fromFragment()));

change({ digit: state.digit });
