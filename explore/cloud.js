// The cloud of conditions, in two of its dimensions, with a point that can be moved.

const show = x => x.toFixed(2).replace('-', '−');

const svg = (name, attributes) => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};

export class Cloud {
  // `selects` choose the two numbers; `onMove(i, x, j, y)` hears where the point was moved to.
  constructor(element, output, selects, onMove) {
    Object.assign(this, {element, output, selects, onMove, axes: null, reach: 3, dragging: false});
    const drag = event => {
      const box = element.getBoundingClientRect();
      const place = (at, length) => (200 * at / length - 100) / 92 * this.reach;
      this.move(place(event.clientX - box.left, box.width),
                -place(event.clientY - box.top, box.height));
    };
    element.addEventListener('pointerdown', event => {
      this.dragging = true;
      element.setPointerCapture(event.pointerId);
      drag(event);
    });
    element.addEventListener('pointermove', event => this.dragging && drag(event));
    for (const end of ['pointerup', 'pointercancel'])
      element.addEventListener(end, () => this.dragging = false);
    element.addEventListener('keydown', event => this.key(event));
    selects.forEach((select, k) => select.addEventListener('change', () => {
      this.axes[k] = Number(select.value);
      this.show(this.given);
    }));
  }

  key(event) {
    const steps = {ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0]};
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const {c} = this.given, [i, j] = this.axes;
    this.move(c[i] + step[0] * this.reach / 20, c[j] + step[1] * this.reach / 20);
  }

  move(x, y) {
    const inside = v => Math.max(-this.reach, Math.min(this.reach, v));
    this.onMove(this.axes[0], inside(x), this.axes[1], inside(y));
  }

  // First those two numbers that tell most about the sentence: the largest KL divergences.
  chooseAxes({mu, sigma}) {
    const kl = [...mu].map((m, i) => (m * m + sigma[i] ** 2 - 1) / 2 - Math.log(sigma[i]));
    const order = [...kl.keys()].sort((i, j) => kl[j] - kl[i]);
    this.axes = order.slice(0, 2);
    this.selects.forEach((select, k) => {
      select.replaceChildren(...order.map(i => new Option(`${i + 1}`, i)));
      select.value = this.axes[k];
    });
  }

  show(given) {
    this.given = given;
    if (!this.axes) this.chooseAxes(given);
    const {mu, sigma, c} = given, [i, j] = this.axes;
    if (!this.dragging) {
      const far = this.axes.map(k => Math.max(Math.abs(mu[k]) + 2 * sigma[k], Math.abs(c[k])));
      this.reach = Math.ceil(Math.max(3, ...far));
    }
    const {reach} = this, scale = 92 / reach;
    const across = x => 100 + scale * x, up = y => 100 - scale * y;
    const label = (x, y, anchor) => Object.assign(
      svg('text', {x, y, 'text-anchor': anchor}), {textContent: reach});
    const rings = [1, 2].flatMap(n => [
      svg('circle', {class: 'prior', cx: 100, cy: 100, r: n * scale}),
      svg('ellipse', {class: 'cloud', cx: across(mu[i]), cy: up(mu[j]),
                      rx: n * sigma[i] * scale, ry: n * sigma[j] * scale})]);
    this.element.replaceChildren(
      svg('line', {class: 'axis', x1: 4, x2: 196, y1: 100, y2: 100}),
      svg('line', {class: 'axis', x1: 100, x2: 100, y1: 4, y2: 196}),
      label(196, 96, 'end'), label(104, 12, 'start'), ...rings,
      svg('circle', {class: 'point', cx: across(c[i]), cy: up(c[j]), r: 6}));
    const away = Math.hypot((c[i] - mu[i]) / sigma[i], (c[j] - mu[j]) / sigma[j]);
    this.output.textContent = `c = (${show(c[i])}, ${show(c[j])})\n${away.toFixed(1)} σ from its middle`;
    this.element.setAttribute('aria-label',
      `The cloud of conditions in numbers ${i + 1} and ${j + 1}; the point is at ${show(c[i])} ` +
      `and ${show(c[j])}. Arrow keys move it.`);
  }
}
