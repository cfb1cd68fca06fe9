// What the figures have in common. `moving` puts it before each of them.

const make = (tag, parent, attributes = {}) =>
  parent.appendChild(Object.assign(document.createElement(tag), attributes));

// The element of a figure, without the picture that stands there where scripts are not run.
function start(id, width) {
  const root = document.getElementById(id);
  root.replaceChildren();
  root.style.cssText = `max-width: ${width}; font: .85rem/1.4 system-ui, sans-serif; margin: 1rem 0`;
  return root;
}

// A slider from 0 to `max` below its name and value. Returns a function that reads the value.
function slider(parent, name, {max, step, value, changed}) {
  const label = make('label', parent, {textContent: name});
  label.style.display = 'block';
  const number = make('b', label, {textContent: value});
  const input = make('input', label, {type: 'range', min: 0, max, step, value});
  input.style.cssText = 'width: 100%; display: block; margin: .2rem 0 .6rem';
  input.oninput = () => {
    number.textContent = Number(input.value);
    changed();
  };
  return () => Number(input.value);
}

// A line of text below a figure, read out when it changes.
function line(parent, height) {
  const told = make('p', parent);
  told.setAttribute('aria-live', 'polite');
  told.style.cssText = `min-height: ${height}; margin: .6rem 0 0; font-variant-numeric: tabular-nums; white-space: pre-line`;
  return told;
}

// A canvas of side × side cells: `choose(row, column)` is called for the one that the reader
// points at, or moves to with the arrow keys from where `place()` is.
function choosable(canvas, side, place, choose) {
  const inside = v => Math.max(0, Math.min(side - 1, v));
  const go = (y, x) => choose(inside(y), inside(x));
  canvas.tabIndex = 0;
  canvas.style.cursor = 'crosshair';
  canvas.setAttribute('role', 'img');
  canvas.onpointermove = canvas.onpointerdown = event => {
    const frame = canvas.getBoundingClientRect();
    go(Math.floor((event.clientY - frame.top) / frame.height * side),
       Math.floor((event.clientX - frame.left) / frame.width * side));
  };
  canvas.onkeydown = event => {
    const step = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]}[event.key];
    if (!step) return;
    event.preventDefault();
    const [y, x] = place();
    go(y + step[0], x + step[1]);
  };
}

function softmax(xs) {
  const most = Math.max(...xs), e = xs.map(x => Math.exp(x - most));
  const sum = e.reduce((a, b) => a + b);
  return e.map(x => x / sum);
}
