// Where the terms of the generator's loss would change a picture (chapter 22).
// data: id of the element, size S, picture [S·S·3] of 0…255,
// terms [{name, norm, gradient: [S·S·3] of -127…127 in base64, weight}]
data => {
  const {size, picture, terms} = data;
  // As bytes; divided by the term's norm, the longest pixel has the length 1.
  const gradients = terms.map(term =>
    Int8Array.from(atob(term.gradient), letter => letter.charCodeAt(0)));

  const root = start(data.id, '38rem');
  const row = make('div', root);
  row.style.cssText = 'display: flex; flex-wrap: wrap; gap: .6rem';
  const canvases = ['picture after the step', 'pull of the chosen terms'].map(title => {
    const box = make('div', row);
    box.style.flex = '1 1 9rem';
    const canvas = make('canvas', box, {width: size, height: size});
    canvas.style.cssText = 'width: 100%; display: block; border-radius: 4px; image-rendering: pixelated';
    canvas.setAttribute('aria-label', title);
    make('span', box, {textContent: title}).style.fontSize = '.75rem';
    return canvas;
  });
  const knob = (text, max, value) => {
    const label = make('label', root);
    label.style.cssText = 'display: grid; grid-template-columns: 11rem 1fr 2.5rem; gap: .5rem; align-items: center';
    make('span', label, {textContent: text});
    const slider = make('input', label, {type: 'range', min: 0, max, step: .05, value});
    slider.style.width = '100%';
    const number = make('output', label);
    slider.oninput = draw;
    return {slider, number};
  };
  const weights = terms.map(term => knob(term.name, 2, term.weight));
  const step = knob('length of the step', 1, .5);
  const told = line(root, '2.8em');

  let at = [size >> 1, size >> 1], lengths, parts;

  function draw() {
    for (const {slider, number} of [...weights, step]) number.textContent = Number(slider.value).toFixed(2);
    const w = weights.map(({slider}) => Number(slider.value));
    const total = new Float32Array(size * size * 3);
    gradients.forEach((gradient, k) => gradient.forEach((g, i) => { total[i] += w[k] * g / terms[k].norm; }));
    const length = (values, i) => Math.hypot(values[3 * i], values[3 * i + 1], values[3 * i + 2]);
    lengths = Float32Array.from({length: size * size}, (_, i) => length(total, i));
    parts = gradients.map((gradient, k) => i => w[k] * length(gradient, i) / terms[k].norm);
    const largest = Math.max(...lengths, 1e-9), reach = Number(step.slider.value) * 255;
    const [after, map] = canvases.map(canvas => new ImageData(size, size));
    for (let i = 0; i < size * size; i++) {
      for (let c = 0; c < 3; c++)
        after.data[4 * i + c] = Math.round(picture[3 * i + c] - reach * total[3 * i + c] / largest);
      const v = lengths[i] / largest;           // black, purple, orange, pale yellow
      after.data[4 * i + 3] = map.data[4 * i + 3] = 255;
      map.data[4 * i] = 255 * Math.min(1, 1.6 * v);
      map.data[4 * i + 1] = 255 * Math.max(0, 1.5 * v - .5);
      map.data[4 * i + 2] = 255 * (v < .35 ? 1.2 * v : Math.max(.42 - (v - .35), 3 * v - 2.2));
    }
    canvases[0].getContext('2d').putImageData(after, 0, 0);
    canvases[1].getContext('2d').putImageData(map, 0, 0);
    tell();
  }

  function tell() {
    const i = at[0] * size + at[1], own = parts.map(part => part(i));
    const sum = own.reduce((a, b) => a + b, 0);
    const largest = Math.max(...lengths), most = lengths.indexOf(largest);
    told.textContent = largest ? `Pixel in row ${at[0] + 1}, column ${at[1] + 1}: ` +
      terms.map((term, k) => `${term.name} ${(sum ? 100 * own[k] / sum : 0).toFixed(0)}\u00a0%`).join(', ') +
      `. The pull is strongest in row ${Math.floor(most / size) + 1}, column ${most % size + 1}.`
      : 'All weights are 0: nothing pulls.';
  }

  for (const canvas of canvases)
    choosable(canvas, size, () => at, (y, x) => {
      at = [y, x];
      tell();
    });
  draw();
}
