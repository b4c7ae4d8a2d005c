/* G in the page, as replicate/page/compact.py makes it small and computes it. */

/* The bytes that compact.text has compressed. */
function inflated(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
}

/* The tables of compact.packed: a step for each row, then whole numbers; `shapes` has the name, rows and columns of each. */
function unpacked(buffer, shapes) {
  const rows = shapes.reduce((sum, [, height]) => sum + height, 0);
  const steps = new Float32Array(buffer, 0, rows);
  const numbers = new Int8Array(buffer, 4 * rows);
  let row = 0;
  let i = 0;
  return Object.fromEntries(
    shapes.map(([name, height, width]) => {
      const table = new Float32Array(height * width);
      for (let j = 0; j < table.length; j++) table[j] = numbers[i++] * steps[row + Math.floor(j / width)];
      row += height;
      return [name, table];
    }),
  );
}

/* ReLU, then a gain and a shift for each of the channels, which come last, in place. */
function activate(x, after) {
  const channels = after.length / 2;
  for (let i = 0, channel = 0; i < x.length; i++, channel = (channel + 1) % channels) {
    x[i] = Math.max(x[i], 0) * after[channel] + after[channels + channel];
  }
  return x;
}

/* A transposed convolution of 4 × 4, stride 2, padding 1: (side, side, channels) -> (2 side, 2 side, channels). */
function upconvolve(x, side, kernel, bias) {
  const read = x.length / side ** 2;
  const given = bias.length;
  const y = new Float32Array(4 * side * side * given);
  for (let i = 0; i < y.length; i++) y[i] = bias[i % given];
  for (let i = 0; i < x.length; i++) {
    const value = x[i];
    if (value === 0) continue;
    const channel = i % read;
    const column = Math.floor(i / read) % side;
    const row = Math.floor(i / read / side);
    for (let tap = 0; tap < 16; tap++) {
      const toRow = 2 * row - 1 + (tap >> 2);
      const toColumn = 2 * column - 1 + (tap & 3);
      if (toRow < 0 || toColumn < 0 || toRow >= 2 * side || toColumn >= 2 * side) continue;
      const to = (toRow * 2 * side + toColumn) * given;
      const from = (channel * 16 + tap) * given;
      for (let j = 0; j < given; j++) y[to + j] += value * kernel[from + j];
    }
  }
  return y;
}

/* The image of a draw of z and a code: 784 brightnesses in [0, 1]. */
function generate(tables, draw, { c1, c2, c3 }) {
  const { noise, category, continuous, project, basis } = tables;
  const n = 1024;
  const hidden = Float32Array.from({ length: n }, (_, i) =>
    noise[draw * n + i] + category[c1 * n + i] + c2 * continuous[i] + c3 * continuous[n + i]);
  activate(hidden, tables.after1);
  const features = tables.constant.slice();
  const m = features.length;
  for (let component = 0; component < project.length / n; component++) {
    let share = 0;
    for (let i = 0; i < n; i++) share += project[component * n + i] * hidden[i];
    for (let i = 0; i < m; i++) features[i] += share * basis[component * m + i];
  }
  activate(features, tables.after2);
  const larger = activate(upconvolve(features, 7, tables.kernel3, tables.bias3), tables.after3);
  return upconvolve(larger, 14, tables.kernel4, tables.bias4).map((logit) => 1 / (1 + Math.exp(-logit)));
}
