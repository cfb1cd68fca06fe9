// The clouds of conditions of a few captions, with the reader's hand on σ (chapter 20).
// data: id of the element, captions, mu [n][K], logvar [n][K], eps [points][2], axes: two of the K
data => {
  const {captions, mu, logvar, eps, axes} = data;
  const COLOURS = ['#3b82c4', '#d9822b', '#3f9d57'];

  const root = start(data.id, '34rem');
  const sigma = slider(root, 'σ times ', {max: 8, step: .05, value: 1, changed: draw});
  const canvas = make('canvas', root, {width: 600, height: 600});
  canvas.style.cssText = 'width: 100%; max-width: 26rem; display: block; border-radius: 6px; background: #8d99a61a';
  canvas.setAttribute('role', 'img');
  const list = make('ul', root);
  list.style.cssText = 'list-style: none; padding: 0; margin: .5rem 0 0';
  const lines = captions.map((caption, i) => {
    const item = make('li', list);
    make('i', item).style.cssText = `display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: .4em; background: ${COLOURS[i]}`;
    make('span', item, {textContent: `${caption}: KL term `});
    return make('output', item);
  });

  // The prior N(0, 1) is in the middle; all centres, and three σ around them, are inside.
  const far = Math.max(4, ...mu.flatMap((m, i) => axes.map(k => Math.abs(m[k]) + 3 * Math.exp(logvar[i][k] / 2))));
  const x = v => 300 + v / far * 290, y = v => 300 - v / far * 290;

  function draw() {
    const scale = sigma(), context = canvas.getContext('2d');
    context.clearRect(0, 0, 600, 600);
    context.strokeStyle = '#8d99a6';
    context.setLineDash([4, 5]);
    for (const radius of [1, 2]) {
      context.beginPath();
      context.arc(300, 300, radius / far * 290, 0, 7);
      context.stroke();
    }
    captions.forEach((_, i) => {
      context.fillStyle = COLOURS[i] + 'b0';
      for (const e of eps) {
        const [a, b] = axes.map((k, j) => mu[i][k] + scale * Math.exp(logvar[i][k] / 2) * e[j]);
        context.beginPath();
        context.arc(x(a), y(b), 2.6, 0, 7);
        context.fill();
      }
      const kl = mu[i].reduce((sum, m, k) => {
        const variance = scale * scale * Math.exp(logvar[i][k]);
        return sum + (m * m + variance - 1 - Math.log(variance)) / 2;
      }, 0) / mu[i].length;
      lines[i].textContent = Number.isFinite(kl) ? kl.toFixed(3) : '∞';
    });
    canvas.setAttribute('aria-label',
      `Clouds of ${captions.length} captions in numbers ${axes[0] + 1} and ${axes[1] + 1} of the condition, σ times ${scale}`);
  }

  draw();
}
