"use strict";

const { limit, values, draws, degrees, pixels, runs, reading } = JSON.parse(document.getElementById("data").textContent);
const SIDE = 28;
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const one = (selector, within = document) => within.querySelector(selector);
const form = one(".explorer");

/* A number as it is read: a true minus, `digits` decimals, no minus before a zero; with its sign on demand. */
function written(number, digits, signed = false) {
  const text = Math.abs(number).toFixed(digits);
  const zero = Number(text) === 0;
  return (number < 0 && !zero ? "−" : signed && !zero ? "+" : "") + text;
}

/* --- What the page holds ------------------------------------------------------------------------------------------ */

/* The grey of a PNG, pixel by pixel, from its base64. */
async function unpack(png) {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const rgba = context.getImageData(0, 0, image.width, image.height).data;
  const greys = new Uint8Array(rgba.length / 4);
  for (let i = 0; i < greys.length; i++) greys[i] = rgba[4 * i];
  return greys;
}

for (const run of runs) {
  const bytes = Uint8Array.from(atob(run.measures), (letter) => letter.charCodeAt(0));
  const numbers = new Int16Array(bytes.buffer);
  run.slants = numbers.subarray(0, numbers.length / 2);
  run.widths = numbers.subarray(numbers.length / 2);
  run.greys = []; // of a category, once it is unpacked
}

/* Unpack the sheets of a category. */
async function load(category) {
  await Promise.all(
    runs.map(async (run) => {
      if (category < run.categories) run.greys[category] ??= await unpack(run.sheets[category]);
    }),
  );
}

/* The four values of the grid around (c2, c3): their row and column, and their weight. */
function corners(c2, c3) {
  const along = (code) => {
    const place = ((code + limit) / (2 * limit)) * (values - 1);
    const below = Math.min(Math.floor(place), values - 2);
    return [[below, 1 - (place - below)], [below + 1, place - below]];
  };
  return along(c3).flatMap(([row, inRow]) => along(c2).map(([column, inColumn]) => [row, column, inRow * inColumn]));
}

/* A measure of one image, blended as the image is. */
function measured(numbers, category, draw, around) {
  const first = (category * draws + draw) * values * values;
  return around.reduce((sum, [row, column, weight]) => sum + weight * numbers[first + row * values + column], 0);
}

/* --- Drawing ------------------------------------------------------------------------------------------------------- */

/* Draw the sum of images of a sheet that is `columns` images wide; each part is a row, a column and a weight. */
function paint(canvas, greys, columns, parts) {
  const sum = new Float32Array(SIDE * SIDE);
  for (const [row, column, weight] of parts) {
    for (let y = 0; y < SIDE; y++) {
      const first = ((row * SIDE + y) * columns + column) * SIDE;
      for (let x = 0; x < SIDE; x++) sum[y * SIDE + x] += weight * greys[first + x];
    }
  }
  const context = canvas.getContext("2d");
  const image = context.createImageData(SIDE, SIDE);
  sum.forEach((grey, i) => {
    image.data[4 * i] = image.data[4 * i + 1] = image.data[4 * i + 2] = grey;
    image.data[4 * i + 3] = 255;
  });
  context.putImageData(image, 0, 0);
}

const ofDraw = (draw, around) => around.map(([row, column, weight]) => [draw * values + row, column, weight]);

function drawTile(tile, run, draw, { c1, c2, c3 }) {
  const canvas = one("canvas", tile);
  const greys = run.greys[c1];
  const around = corners(c2, c3);
  const exists = c1 < run.categories;
  if (!exists) canvas.getContext("2d").clearRect(0, 0, SIDE, SIDE);
  else if (greys) paint(canvas, greys, values, ofDraw(draw, around));
  const slant = exists ? measured(run.slants, c1, draw, around) / degrees : 0;
  const width = exists ? measured(run.widths, c1, draw, around) / pixels : 0;
  const words = exists ? [`${written(slant, 0)}°`, written(width, 1)] : ["–", "–"];
  tile.style.setProperty("--slant", `${slant}deg`);
  tile.style.setProperty("--width", `${Math.min(width / SIDE, 1) * 100}%`);
  [one(".slant", tile).textContent, one(".width", tile).textContent] = words;
  canvas.ariaLabel = exists
    ? `${run.variant}, draw ${draw + 1} of z: slant ${words[0]}, width ${words[1]} pixels`
    : `${run.variant} has no category ${c1}`;
}

/* How far the mean over the draws goes as c2, then c3, goes from −1 to 1. */
function drawEffects(cells, run, { c1, c2, c3 }) {
  const ends = [[corners(1, c3), corners(-1, c3)], [corners(c2, 1), corners(c2, -1)]];
  const change = (numbers, [to, from]) =>
    Array.from({ length: draws }, (_, draw) => measured(numbers, c1, draw, to) - measured(numbers, c1, draw, from))
      .reduce((a, b) => a + b) / draws;
  const words = ends.flatMap((end) => [
    `${written(change(run.slants, end) / degrees, 0, true)}°`,
    `${written(change(run.widths, end) / pixels, 1, true)} px`,
  ]);
  cells.forEach((cell, i) => (cell.textContent = c1 < run.categories ? words[i] : "–"));
}

function drawRuns() {
  for (const row of all(".run")) {
    const run = runs[row.dataset.run];
    row.hidden = !state.runs.includes(run.variant);
    if (row.hidden) continue;
    all("figure", row).forEach((tile, draw) => drawTile(tile, run, draw, state));
    drawEffects(all("tbody td", row), run, state);
  }
}

function drawControls() {
  for (const input of all("[name=c1]", form)) input.checked = Number(input.value) === state.c1;
  for (const input of all("[name=runs]", form)) input.checked = state.runs.includes(input.value);
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
  note.textContent = beyond.length
    ? `${beyond.join(", ")} beyond ±1: G extrapolates.`
    : "Solid: the range that was trained.";
}

function percent(share) {
  return share > 0 && share < 0.001 ? "< 0.1 %" : `${written(100 * share, share < 0.0995 || share > 0.9949 ? 1 : 0)} %`;
}

async function drawReading() {
  if (!reading) return;
  const digit = reading.digits[state.digit];
  for (const input of all("[name=digit]")) input.checked = Number(input.value) === state.digit;
  const image = one(".chosen span");
  image.style.setProperty("--row", state.digit);
  image.ariaLabel = `test image ${digit.place}, a ${digit.digit}`;
  one(".chosen p").textContent =
    `Test image ${digit.place}, a ${digit.digit}.\nQ reads c1 = ${digit.c1} (${percent(digit.posterior[digit.c1])}),\n` +
    `c2 = ${written(digit.c2, 2)}, c3 = ${written(digit.c3, 2)}.`;
  all(".bars li").forEach((bar, category) => {
    bar.style.setProperty("--share", `${100 * digit.posterior[category]}%`);
    one(".percent", bar).textContent = percent(digit.posterior[category]);
  });
  reading.greys ??= await unpack(reading.redrawn);
  all(".redrawn canvas").forEach((canvas, draw) => {
    paint(canvas, reading.greys, draws, [[state.digit, draw, 1]]);
    canvas.ariaLabel = `G’s image of that code, draw ${draw + 1} of z`;
  });
}

/* G's image of each category that Q can name. */
function drawCategories() {
  const run = reading && runs.find((each) => each.name === reading.run);
  all(".bars canvas").forEach((canvas, category) => paint(canvas, run.greys[category], values, ofDraw(0, corners(0, 0))));
}

/* --- The state, and its link --------------------------------------------------------------------------------------- */

function fromFragment() {
  const given = new URLSearchParams(location.hash.slice(1));
  const number = (name, low, high) => {
    const value = Number(given.get(name) ?? 0);
    return Number.isFinite(value) ? Math.min(Math.max(value, low), high) : 0;
  };
  const names = runs.map((run) => run.variant);
  const wanted = (given.get("runs") ?? "").split(",");
  const shown = names.filter((name) => wanted.includes(name));
  return {
    runs: shown.length ? shown : names,
    c1: Math.round(number("c1", 0, all("[name=c1]").length - 1)),
    c2: number("c2", -limit, limit),
    c3: number("c3", -limit, limit),
    digit: Math.round(number("digit", 0, (reading?.digits.length ?? 1) - 1)),
  };
}

const fragment = () =>
  `#runs=${state.runs.join(",")}&c1=${state.c1}&c2=${state.c2}&c3=${state.c3}${reading ? `&digit=${state.digit}` : ""}`;

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
  one("[role=status]").textContent = "";
  if ("c1" in changes) load(state.c1).then(drawRuns);
  if ("digit" in changes) drawReading();
}

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", ({ target }) => {
  if (target.name === "c1") change({ c1: Number(target.value) });
  else if (target.name === "runs") {
    const shown = all("[name=runs]:checked", form).map((input) => input.value);
    change({ runs: shown.length ? shown : state.runs }); // one stays
  } else change({ [target.id]: Number(target.value) });
});
/* A finger that comes down on a slider and scrolls the page leaves the code as it was: the browser cancels its pointer. */
let untouched = {};
form.addEventListener("pointerdown", ({ target }) => {
  untouched = target.type === "range" ? { [target.id]: state[target.id] } : {};
});
form.addEventListener("pointercancel", () => change(untouched));
one(".digits")?.addEventListener("input", ({ target }) => change({ digit: Number(target.value) }));
one("#take")?.addEventListener("click", () => {
  const digit = reading.digits[state.digit];
  const within = (code) => Math.min(Math.max(code, -limit), limit);
  change({ c1: digit.c1, c2: within(digit.c2), c3: within(digit.c3) });
  one(".run:not([hidden])").scrollIntoView();
});
one("#share").addEventListener("click", async () => {
  history.replaceState(null, "", fragment());
  let said = "Copied.";
  try {
    await navigator.clipboard.writeText(location.href);
  } catch {
    said = "Copy it from the address bar.";
  }
  one("[role=status]").textContent = said;
});
addEventListener("hashchange", () => change(fromFragment()));

(async () => {
  drawControls();
  drawRuns(); // the measures
  await load(state.c1);
  drawRuns();
  await drawReading();
  document.body.ariaBusy = "false";
  for (let category = 0; category < all("[name=c1]").length; category++) await load(category);
  drawCategories();
})();
