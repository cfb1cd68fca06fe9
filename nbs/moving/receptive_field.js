// Which pixels reach a feature, and which features a pixel reaches (chapter 21).
// data: id of the element, picture (an address), size in pixels, steps [[kernel, stride, padding]]
data => {
  const {size, steps} = data;

  // First and last pixel that reach feature k after n steps, along one side.
  function window_(n, k) {
    let [first, last] = [k, k];
    for (const [kernel, stride, padding] of steps.slice(0, n).reverse()) {
      first = first * stride - padding;
      last = last * stride - padding + kernel - 1;
    }
    return [Math.max(0, first), Math.min(size - 1, last)];
  }
  const sides = steps.map((_, n) =>
    steps.slice(0, n + 1).reduce((side, [kernel, stride, padding]) =>
      Math.floor((side + 2 * padding - kernel) / stride) + 1, size));

  const root = start(data.id, '42rem');
  const row = make('div', root);
  row.style.cssText = 'display: flex; flex-wrap: wrap; gap: .5rem';
  const told = line(root, '2.8em');

  // A square of cells in which a place can be chosen, and a rectangle of cells marked.
  function grid(side, title, listen) {
    const box = make('div', row);
    box.style.flex = side === size ? '2 1 12rem' : '1 1 5.5rem';
    const canvas = make('canvas', box, {width: 256, height: 256});
    canvas.style.cssText = 'width: 100%; display: block; border-radius: 4px';
    make('span', box, {textContent: title}).style.fontSize = '.75rem';
    let at = [side >> 1, side >> 1];
    choosable(canvas, side, () => at, (y, x) => listen(...at = [y, x]));
    return {canvas, side, title};
  }

  function paint({canvas, side, title}, [top, bottom], [left, right], picture) {
    const context = canvas.getContext('2d'), cell = 256 / side, gap = cell * .09;
    context.imageSmoothingEnabled = false;
    context.fillStyle = '#8d99a655';
    context.clearRect(0, 0, 256, 256);
    if (picture) context.drawImage(picture, 0, 0, 256, 256);
    else for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++)
        context.fillRect(x * cell + gap, y * cell + gap, cell - 2 * gap, cell - 2 * gap);
    const place = [left * cell, top * cell, (right - left + 1) * cell, (bottom - top + 1) * cell];
    if (!picture) {
      context.fillStyle = '#e8590c';
      context.fillRect(...place);
    }
    context.strokeStyle = '#ff00ff';
    context.lineWidth = picture ? 5 : 0;
    if (picture) context.strokeRect(...place);
    canvas.setAttribute('aria-label', `${title}: rows ${top + 1} to ${bottom + 1}, columns ${left + 1} to ${right + 1} are marked`);
  }

  const picture = new Image();
  const pixels = grid(size, `picture, ${size} × ${size}`, fromPixel);
  const features = sides.map((side, n) =>
    grid(side, `step ${n + 1}: ${side} × ${side}`, (y, x) => fromFeature(n, y, x)));

  // Features of step n + 1 whose window holds pixel p: first and last.
  function reached(n, p) {
    const found = [...Array(sides[n]).keys()].filter(k => {
      const [first, last] = window_(n + 1, k);
      return first <= p && p <= last;
    });
    return [found[0], found[found.length - 1]];
  }

  function fromPixel(y, x) {
    paint(pixels, [y, y], [x, x], picture);
    const counts = features.map((grid, n) => {
      const [rows, columns] = [reached(n, y), reached(n, x)];
      paint(grid, rows, columns);
      return (rows[1] - rows[0] + 1) * (columns[1] - columns[0] + 1);
    });
    told.textContent = `The pixel in row ${y + 1}, column ${x + 1} reaches ${counts.map((count, n) =>
      `${count} of ${sides[n] ** 2}`).join(', ')} features.`;
  }

  function fromFeature(n, y, x) {
    const [rows, columns] = [window_(n + 1, y), window_(n + 1, x)];
    paint(pixels, rows, columns, picture);
    features.forEach((grid, m) => paint(grid, m === n ? [y, y] : [0, -1], m === n ? [x, x] : [0, -1]));
    told.textContent = `Step ${n + 1}, feature in row ${y + 1}, column ${x + 1}: rows ${rows[0] + 1} to ${rows[1] + 1}, ` +
      `columns ${columns[0] + 1} to ${columns[1] + 1} of the picture reach it.`;
  }

  picture.onload = () => fromFeature(sides.length - 1, sides[sides.length - 1] >> 1, sides[sides.length - 1] >> 1);
  picture.src = data.picture;
}
