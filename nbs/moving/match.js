// Which caption belongs to which picture: scores that the reader may change (chapter 13, eq. 11 to 13).
// data: id of the element, scores [B][B] (row a picture, column a caption), gamma3
data => {
  const scores = data.scores.map(row => [...row]), B = scores.length;
  const turned = table => table.map((_, j) => table.map(row => row[j]));

  const root = start(data.id, '42rem');
  const sharpness = slider(root, 'γ₃ = ', {max: 30, step: .5, value: data.gamma3, changed: draw});
  const row = make('div', root);
  row.style.cssText = 'display: flex; flex-wrap: wrap; gap: .8rem 1.4rem';

  // A table of B × B cells with a line below it.
  function table(title) {
    const box = make('div', row);
    box.style.flex = '1 1 10rem';
    make('div', box, {textContent: title}).style.fontWeight = 600;
    const grid = make('div', box);
    grid.style.cssText = `display: grid; grid-template-columns: repeat(${B}, 1fr); gap: 2px; margin: .3rem 0`;
    const cells = scores.map(row => row.map(() => {
      const cell = make('span', grid);
      cell.style.cssText = 'padding: .35rem 0; text-align: center; border-radius: 4px; min-width: 0; font-variant-numeric: tabular-nums';
      return cell;
    }));
    return {cells, line: make('output', box)};
  }
  const given = table('scores: change them'), byRow = table('softmax of each row'),
        byColumn = table('softmax of each column');
  given.line.textContent = 'row: a picture, column: a caption';
  given.cells.forEach((cells, i) => cells.forEach((cell, j) => {
    const input = make('input', cell, {type: 'number', step: .1, value: scores[i][j]});
    input.setAttribute('aria-label', `score of picture ${i} and caption ${j}`);
    input.style.cssText = 'width: 100%; font: inherit; text-align: center; color: inherit; background: none; border: 1px solid #8d99a6; border-radius: 4px';
    cell.style.padding = 0;
    input.oninput = () => {
      if (Number.isFinite(input.valueAsNumber)) scores[i][j] = input.valueAsNumber;
      draw();
    };
  }));

  // Shares in blue; a frame where the largest share is wrong.
  function show({cells, line}, shares, largest, name) {
    cells.forEach((row, i) => row.forEach((cell, j) => {
      cell.textContent = shares[i][j].toFixed(2);
      cell.style.background = `rgb(74 143 208 / ${shares[i][j] * .8})`;
      const wrong = largest(i, j) && i !== j;
      cell.style.boxShadow = wrong ? 'inset 0 0 0 2px #d6604d' : 'none';
    }));
    const loss = shares.reduce((sum, row, i) => sum - Math.log(row[i]), 0) / B;
    line.textContent = `${name}: ${loss.toFixed(3)}`;
  }

  function draw() {
    const gamma3 = sharpness();
    const scaled = scores.map(row => row.map(x => gamma3 * x));
    const rows = scaled.map(softmax), columns = turned(turned(scaled).map(softmax));
    const most = xs => Math.max(...xs);
    show(byRow, rows, (i, j) => gamma3 > 0 && rows[i][j] === most(rows[i]), 'image → text loss');
    show(byColumn, columns, (i, j) => gamma3 > 0 && columns[i][j] === most(columns.map(row => row[j])),
         'text → image loss');
  }

  draw();
}
