// Two softmaxes on one matrix of scores, and the reader's hand on γ₁ (chapter 12, eq. 7 to 9).
// data: id of the element, words, side of the grid, scores [T][N], own [T][N] (1 on the word's part)
data => {
  const {words, side, scores, own} = data;
  const T = words.length, N = side * side;
  const INFERNO = ['000004', '1b0c41', '4a0c6b', '781c6d', 'a52c60', 'cf4446', 'ed6925', 'fb9b06',
                   'f7d13d', 'fcffa4'].map(hex => [0, 2, 4].map(i => parseInt(hex.slice(i, i + 2), 16)));
  const colour = share => {
    const x = Math.max(0, Math.min(1, share)) * 9, k = Math.min(8, Math.floor(x));
    return INFERNO[k].map((low, i) => low + (x - k) * (INFERNO[k + 1][i] - low));
  };

  const root = start(data.id, '34rem');
  const sharpness = slider(root, 'γ₁ = ', {max: 30, step: .5, value: data.gamma1, changed: draw});
  const table = make('div', root);
  table.style.cssText = 'display: grid; grid-template-columns: 4rem repeat(3, 1fr) 4.6rem; gap: .35rem .5rem; align-items: center';
  const columns = [['scores s', 5], ['softmax over words s̄', 1], ['softmax over regions α', .25]];
  for (const name of ['', ...columns.map(([name, most]) => `${name} (0 … ${most})`), 'on its own part'])
    make('span', table, {textContent: name}).style.fontSize = '.75rem';
  const maps = [], shares = [];
  words.forEach((word, t) => {
    make('b', table, {textContent: word});
    maps.push(columns.map(([name]) => {
      const frame = make('div', table);
      frame.style.cssText = 'position: relative; aspect-ratio: 1';
      const canvas = make('canvas', frame, {width: side, height: side});
      canvas.style.cssText = 'width: 100%; height: 100%; image-rendering: pixelated; border-radius: 4px';
      const mark = make('i', frame);
      mark.style.cssText = `position: absolute; width: ${100 / side}%; height: ${100 / side}%; box-shadow: 0 0 0 1px #fff, 0 0 0 2px #000; pointer-events: none`;
      choosable(canvas, side, () => [Math.floor(at / side), at % side],
                (y, x) => point(y * side + x));
      return {canvas, mark, name};
    }));
    shares.push(make('output', table));
  });
  const told = line(root, '4.2em');

  // eq. 8: at each region the words compete. It does not depend on γ₁.
  const competed = words.map(() => Array(N));
  for (let n = 0; n < N; n++)
    softmax(scores.map(row => row[n])).forEach((x, t) => competed[t][n] = x);
  let alpha, at = data.region;

  function paint({canvas, name}, values, most, word) {
    const image = new ImageData(side, side);
    values.forEach((x, n) => image.data.set([...colour(x / most), 255], 4 * n));
    canvas.getContext('2d').putImageData(image, 0, 0);
    canvas.setAttribute('aria-label', `${name} of ${word}: from ${Math.min(...values).toFixed(3)} to ${Math.max(...values).toFixed(3)}`);
  }

  function draw() {
    const gamma1 = sharpness();
    alpha = competed.map(row => softmax(row.map(x => gamma1 * x)));      // eq. 9
    words.forEach((word, t) => {
      [scores[t], competed[t], alpha[t]].forEach((row, k) => paint(maps[t][k], row, columns[k][1], word));
      shares[t].textContent = alpha[t].reduce((sum, x, n) => sum + x * own[t][n], 0).toFixed(2);
    });
    point(at);
  }

  function point(n) {
    at = n;
    for (const {mark} of maps.flat()) {
      mark.style.top = `${100 * Math.floor(n / side) / side}%`;
      mark.style.left = `${100 * (n % side) / side}%`;
    }
    const row = values => words.map((word, t) => `${word} ${values[t][n].toFixed(3)}`).join(', ');
    told.textContent = `Region in row ${Math.floor(n / side) + 1}, column ${n % side + 1}. Scores: ${row(scores)}.\n` +
      `Over the words: ${row(competed)}; their sum is 1.\nOver the regions: ${row(alpha)}; each word's map sums to 1.`;
  }

  draw();
}
