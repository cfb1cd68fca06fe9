// Tensors as pictures: colour scales, and figures that tell the number under the pointer.

// Viridis: dark to bright, and in the same order for colour-blind readers.
const VIRIDIS = ['440154', '482878', '3e4989', '31688e', '26828e', '1f9e89', '35b779', '6ece58',
                 'b5de2b', 'fde725'];
// For numbers with a sign: blue below zero, orange above.
const SIGNED = ['0a3d75', '2f74b3', '79b0dc', 'c9dff0', 'f4f4f2', 'f9d9b5', 'f0a35e', 'd2691e',
                '8a3a06'];

function table(stops) {
  const rgb = stops.map(hex => [0, 2, 4].map(i => parseInt(hex.slice(i, i + 2), 16)));
  return Array.from({length: 256}, (_, i) => {
    const x = i / 255 * (rgb.length - 1), k = Math.min(Math.floor(x), rgb.length - 2);
    return rgb[k].map((low, j) => Math.round(low + (x - k) * (rgb[k + 1][j] - low)));
  });
}
const TABLES = {viridis: table(VIRIDIS), signed: table(SIGNED)};

// Three scales for the whole page. All are square roots, so that small numbers can be seen.
const LARGEST = 4;                      // of signed numbers; larger ones look the same
const SCALES = {
  share: x => TABLES.viridis[level(Math.sqrt(x))],                       // 0 … 1
  levels: x => TABLES.viridis[level(Math.sqrt(x / 255))],                // 0 … 255
  signed: x => TABLES.signed[level((1 + Math.sign(x) * Math.sqrt(Math.abs(x) / LARGEST)) / 2)],
};
const level = share => Math.max(0, Math.min(255, Math.round(255 * share)));

// Numbers → Uint8ClampedArray (…, 4)
function coloured(data, scale) {
  const rgba = new Uint8ClampedArray(4 * data.length), colour = SCALES[scale];
  for (let i = 0; i < data.length; i++) {
    const [red, green, blue] = colour(data[i]);
    rgba[4 * i] = red;
    rgba[4 * i + 1] = green;
    rgba[4 * i + 2] = blue;
    rgba[4 * i + 3] = 255;
  }
  return rgba;
}

export const gradient = scale =>
  `linear-gradient(90deg, ${(scale === 'signed' ? SIGNED : VIRIDIS).map(c => '#' + c).join(', ')})`;

// As Python's `to_uint8`: numbers from -1 to 1 become 0 … 255; halves go to the even neighbour.
export function toByte(x) {
  const level = Math.fround(Math.fround(Math.max(-1, Math.min(1, x)) + 1) * 127.5);
  const low = Math.floor(level);
  if (level - low !== 0.5) return Math.round(level);
  return low + low % 2;
}

// (1, 3, S, S) → Uint8ClampedArray (S, S, 4)
export function pixels({data, dims}) {
  const N = dims[2] * dims[3], out = new Uint8ClampedArray(4 * N);
  for (let i = 0; i < N; i++) {
    for (let k = 0; k < 3; k++) out[4 * i + k] = toByte(data[k * N + i]);
    out[4 * i + 3] = 255;
  }
  return out;
}

// How far two pictures are apart at each pixel: the mean over its colours, in levels of 255.
export function difference(a, b) {
  const out = new Float32Array(a.length / 4);
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (let k = 0; k < 3; k++) sum += Math.abs(a[4 * i + k] - b[4 * i + k]);
    out[i] = sum / 3;
  }
  return out;
}

export const mean = x => x.reduce((sum, y) => sum + y, 0) / x.length;

export const largest = x => x.reduce((best, y, i) => y > x[best] ? i : best, 0);

// A canvas with a caption and a line for the number under the pointer. Pointer, finger and
// arrow keys choose a pixel; `onPoint(row, column)` hears of it, and of null when they leave.
export class Figure {
  constructor(element) {
    this.canvas = element.querySelector('canvas');
    this.context = this.canvas.getContext('2d');
    this.output = element.querySelector('output');
    this.frame = element.querySelector('.frame');
    this.cursor = this.frame.appendChild(document.createElement('i'));
    this.cursor.className = 'cursor';
    this.onPoint = () => {};
    this.rest = '';
    this.tell = () => '';
    const canvas = this.canvas;
    canvas.tabIndex = 0;
    canvas.setAttribute('role', 'img');
    const locate = event => {
      const box = canvas.getBoundingClientRect();
      const place = (at, length, n) => Math.max(0, Math.min(n - 1, Math.floor(at / length * n)));
      this.point(place(event.clientY - box.top, box.height, canvas.height),
                 place(event.clientX - box.left, box.width, canvas.width));
    };
    canvas.addEventListener('pointermove', locate);
    canvas.addEventListener('pointerdown', locate);
    canvas.addEventListener('pointerleave', event => event.pointerType === 'mouse' && this.leave());
    canvas.addEventListener('blur', () => this.leave());
    canvas.addEventListener('keydown', event => this.key(event));
  }

  key(event) {
    const step = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};
    if (event.key === 'Escape') return this.leave();
    if (!step[event.key]) return;
    event.preventDefault();
    const {width, height} = this.canvas;
    const [row, column] = this.at ?? [height >> 1, width >> 1];
    const clamp = (x, n) => Math.max(0, Math.min(n - 1, x));
    this.point(clamp(row + step[event.key][0], height), clamp(column + step[event.key][1], width));
  }

  point(row, column) {
    this.at = [row, column];
    this.output.textContent = this.tell(row, column);
    this.onPoint((row + .5) / this.canvas.height, (column + .5) / this.canvas.width);
  }

  leave() {
    this.at = null;
    this.output.textContent = this.rest;
    this.onPoint(null);
  }

  // A square around the pixel at this place (shares of height and width), or none.
  mark(y, x) {
    const {width, height} = this.canvas;
    this.cursor.style.display = y === null ? 'none' : 'block';
    if (y === null) return;
    this.cursor.style.top = `${100 * Math.floor(y * height) / height}%`;
    this.cursor.style.left = `${100 * Math.floor(x * width) / width}%`;
    this.cursor.style.width = `${100 / width}%`;
    this.cursor.style.height = `${100 / height}%`;
  }

  // `rgba` (height, width, 4); `tell(row, column)` gives the words for a pixel; `rest` stands
  // there when nothing is pointed at; `label` is the figure for those who don't see it.
  show(rgba, width, height, {tell, rest, label}) {
    const canvas = this.canvas;
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    this.context.putImageData(new ImageData(rgba, width, height), 0, 0);
    this.tell = tell;
    this.rest = rest;
    this.output.textContent = this.at ? tell(...this.at) : rest;
    canvas.setAttribute('aria-label', label);
  }

  // A map of numbers (height, width) on one of the scales.
  map(data, width, height, {scale, ...words}) {
    this.show(coloured(data, scale), width, height, words);
  }
}

// Channels (1, C, S, S) side by side, a few in a row: {data, width, height, channel(row, column)}
export function mosaic({data, dims}, columns) {
  const [, C, S] = dims, rows = Math.ceil(C / columns);
  const out = new Float32Array(rows * columns * S * S);
  for (let c = 0; c < C; c++)
    for (let y = 0; y < S; y++) {
      const from = (c * S + y) * S, to = ((Math.floor(c / columns) * S + y) * columns + c % columns) * S;
      out.set(data.subarray(from, from + S), to);
    }
  const channel = (row, column) => Math.floor(row / S) * columns + Math.floor(column / S);
  return {data: out, width: columns * S, height: rows * S, channel};
}

// A row of numbers as thin bars of colour in a small canvas.
export function strip(canvas, data) {
  canvas.width = data.length;
  canvas.height = 1;
  const image = new ImageData(coloured(data, 'signed'), data.length, 1);
  canvas.getContext('2d').putImageData(image, 0, 0);
}
