// The page: what the reader moves, and where it is shown.

import {Cloud} from './cloud.js';
import {Figure, difference, gradient, largest, mean, mosaic, strip} from './maps.js';
import {Network} from './network.js';
import {normal} from './noise.js';
import {Painter, isMirrored, ways} from './painter.js';
import {CaptionError} from './words.js';

const $ = selector => document.querySelector(selector);
const show = (x, digits = 2) => x.toFixed(digits).replace('-', '−');

let network, painter, facts;
let stages = [];                        // of each: its figures and its box
let cloud, match, before, now;          // other figures

// What the reader has chosen.
const state = {
  caption: '', second: '', seed: 0, noise: 0, eps: null, walk: 0,
  keep: [],                             // of each refinement: word attention on (1) or off (0)
  mirrors: true,                        // may the first number of z mirror the picture?
  word: 0,                              // the chosen word; -1: the one with the sharpest map
};
let current = null;                     // the drawing on the page, see painter.js
let reference = null;                   // the drawing before the last change

// ---- one change at a time

let control = null, touched = 0;        // what was changed last, and when

// Call before a change: the drawing on the page becomes the "before", once for each drag.
function aboutToChange(what) {
  const time = performance.now();
  const goesOn = control === what && time - touched < 1500;
  if (!goesOn && current && !$('#hold').checked) reference = current;
  control = what;
  touched = time;
}

let waiting = false, busy = false;
// Draw what the state says. While one drawing is made, only the last of several changes waits.
async function update() {
  if (busy) return void (waiting = true);
  busy = true;
  try {
    do {
      waiting = false;
      current = await painter.draw(await painter.inputs(state));
      say('');
      render();
      if (!waiting) await observe(current);
      if (!waiting) await renderPaths(reference, current);
    } while (waiting);
  } catch (error) {
    say(error.message, true);
    if (!(error instanceof CaptionError)) console.error(error);
  } finally {
    busy = false;
  }
}

function say(text, wrong = false) {
  const notes = current && !text ? current.given.texts.flatMap(x => x.notes) : [];
  $('#message').textContent = text || notes.join(' · ');
  $('#message').classList.toggle('error', wrong);
}

// ---- showing

const words = () => current.given.texts.flatMap(x => x.read);

function render() {
  state.word = state.word < 0 ? sharpest() : Math.min(state.word, words().length - 1);
  renderWords();
  renderCloud();
  stages.forEach(renderStage);
  choose(state.word);
  renderChange();
}

function renderWords() {
  const {texts, weights, sentence} = current.given, T = words().length;
  let read = 0;
  $('#rows').replaceChildren(...texts.flatMap((text, n) => text.rows.map(row => {
    const item = document.createElement('li');
    item.className = row.fate;
    if (row.fate !== 'read') {
      const why = {stop: 'stop word', unknown: 'unknown', cut: 'too long'}[row.fate];
      item.append(span('word', row.word.slice(0, 30)), span('why', why));
      return item;
    }
    const t = read++, local = t - (n ? texts[0].read.length : 0);
    const button = Object.assign(document.createElement('button'), {
      type: 'button', className: 'word', textContent: row.word});
    button.dataset.t = t;
    item.dataset.t = t;
    item.style.opacity = .35 + .65 * weights[t];
    const canvas = document.createElement('canvas');
    strip(canvas, column(text.words, local));
    canvas.title = `the ${facts.dim} numbers of the vector of “${row.word}”`;
    item.append(button, span('id', row.id), canvas, span('share', ''));
    button.addEventListener('click', () => choose(t, true));
    item.addEventListener('pointerenter', () => choose(t));
    item.addEventListener('pointerleave', () => choose(state.word));
    button.addEventListener('focus', () => choose(t));
    return item;
  })));
  strip($('#sentence-strip'), sentence);
  $('#sentence-strip').setAttribute('aria-label',
    `sentence vector: ${facts.dim} numbers from ${show(Math.min(...sentence))} to ${show(Math.max(...sentence))}`);
  shapes('#text-shapes', [['ids', `(1, ${T})`], ['words e', `(1, ${facts.dim}, ${T})`],
                          ['sentence ē', `(1, ${facts.dim})`]]);
}

function span(name, text) {
  return Object.assign(document.createElement('span'), {className: name, textContent: text});
}

const column = ({data, dims}, t) => Float32Array.from({length: dims[1]}, (_, d) => data[d * dims[2] + t]);

function shapes(selector, rows) {
  const body = typeof selector === 'string' ? $(selector) : selector;
  body.replaceChildren(...rows.map(([name, shape]) => {
    const row = document.createElement('tr');
    row.append(Object.assign(document.createElement('th'), {textContent: name, scope: 'row'}),
               Object.assign(document.createElement('td'), {textContent: shape}));
    return row;
  }));
}

// One word's map of a stage's refinement or of the DAMSM.
const mapOf = ({data, dims}, t) => data.subarray(t * dims[2] * dims[3], (t + 1) * dims[2] * dims[3]);

function shareMap(figure, tensor, t, what) {
  const data = mapOf(tensor, t), S = tensor.dims[3], word = words()[t], peak = largest(data);
  const place = i => `row ${Math.floor(i / S) + 1}, column ${i % S + 1}`;
  figure.map(data, S, tensor.dims[2], {
    scale: 'share',
    tell: (row, col) => `${row + 1}, ${col + 1}: ${show(data[row * S + col], 3)}`,
    rest: `mean ${show(mean(data), 3)}, peak ${show(data[peak], 3)}`,
    label: `${what} of “${word}”: mean ${show(mean(data), 3)}, largest ${show(data[peak], 3)} at ${place(peak)} of ${S}`,
  });
}

// The word whose first map has the highest peak above its mean: a good one to begin with.
function sharpest() {
  return largest(words().map((_, t) => {
    const map = current.attention[0] ? mapOf(current.attention[0], t) : [1];
    return map[largest(map)] / mean(map);
  }));
}

// Show the maps of word t; `stay` makes it the chosen one.
function choose(t, stay = false) {
  if (!current) return;
  if (stay) state.word = t;
  const word = words()[t];
  for (const item of document.querySelectorAll('#rows [data-t], #fits [data-t]'))
    item.classList.toggle('on', Number(item.dataset.t) === t);
  for (const item of document.querySelectorAll('#rows button'))
    item.setAttribute('aria-pressed', Number(item.dataset.t) === state.word);
  for (const item of document.querySelectorAll('.chosen')) item.textContent = word;
  stages.forEach((stage, i) => {
    if (i) shareMap(stage.attention, current.attention[i - 1], t, 'Attention of the pixels to the vector');
  });
  if (current.match) shareMap(match, current.match.attention, t, 'Attention of the DAMSM to the regions');
  $('#swapped').textContent = `“${words()[state.word]}”`;
  $('#swap').value = '';
}

function renderStage(stage, i) {
  const hidden = current.hidden[i], [, C, S] = hidden.dims, picture = current.images[i];
  if (i === 0) {
    const data = Float32Array.of(...current.given.noise, ...current.given.c), Z = facts.noise;
    const height = Math.ceil(data.length / 8), padded = new Float32Array(8 * height);
    padded.set(data);
    const name = k => k < Z ? `z, number ${k + 1}` : `c, number ${k - Z + 1}`;
    stage.attention.map(padded, 8, height, {
      scale: 'signed',
      rest: isMirrored(current.given) ? 'z, then c; mirrored' : 'z, then c',
      tell: (row, col) => `${name(8 * row + col)}: ${show(padded[8 * row + col])}`,
      label: `Noise z, ${Z} numbers, and condition c, ${facts.cond} numbers`,
    });
  }
  const tiles = mosaic(hidden, C > 16 ? 6 : 4);
  stage.hidden.map(tiles.data, tiles.width, tiles.height, {
    scale: 'signed', rest: `${C} channels`,
    tell: (row, col) => `ch. ${tiles.channel(row, col) + 1}: ${show(tiles.data[row * tiles.width + col])}`,
    label: `Hidden state: ${C} channels of ${S} × ${S} numbers, mean ${show(mean(hidden.data))}`,
  });
  if (!picture) return;
  showPicture(stage.picture, current, i);
  const old = reference ?? current, apart = difference(current.pixels[i], old.pixels[i]);
  stage.delta.map(apart, S, S, {
    scale: 'levels', rest: `mean ${show(mean(apart), 1)}`,
    tell: (row, col) => `${row + 1}, ${col + 1}: ${show(apart[row * S + col], 0)}`,
    label: `Difference to the picture before the last change: mean ${show(mean(apart), 1)} of 255`,
  });
}

function showPicture(figure, drawing, i) {
  const S = facts.sizes[i], rgba = drawing.pixels[i];
  figure.show(rgba.slice(), S, S, {
    rest: `${S} × ${S} pixels`,
    tell: (row, col) => `${row + 1}, ${col + 1}: ${rgba.slice(4 * (row * S + col), 4 * (row * S + col) + 3).join(' ')}`,
    label: `Picture of ${S} × ${S} pixels for “${drawing.given.texts[0].read.join(' ')}”`,
  });
}

// At one place of a picture, shares of height and width: mark it everywhere, and write beside
// each word how much of this pixel's attention it has.
function pointAt(i, y, x) {
  for (const stage of stages) {
    for (const figure of [stage.picture, stage.delta]) figure.mark(y, x);
    if (stage !== stages[0]) stage.attention.mark(y, x);
  }
  match.mark(y, x);
  const maps = current.attention[Math.max(0, i - 1)];
  for (const item of document.querySelectorAll('#rows li[data-t]')) {
    const bar = item.querySelector('.share');
    if (y === null || !maps) {
      bar.textContent = '';
      bar.style.setProperty('--share', 0);
      continue;
    }
    const [, , H, W] = maps.dims;
    const share = mapOf(maps, Number(item.dataset.t))[Math.floor(y * H) * W + Math.floor(x * W)];
    bar.textContent = show(share);
    bar.style.setProperty('--share', share);
  }
}

// ---- the condition

function renderCloud() {
  cloud.show(current.given);
  shapes('#condition-shapes', [['μ, σ', `(1, ${facts.cond})`], ['ε, c', `(1, ${facts.cond})`],
                               ['noise z', `(1, ${facts.noise})`]]);
}

// The point was moved: c[i] = x and c[j] = y, so ε = (c - μ)/σ.
function moveCondition(i, x, j, y) {
  const {mu, sigma} = current.given;
  aboutToChange('point');
  state.eps = Float32Array.from(state.eps ?? painter.noiseOf(state.seed).eps);
  state.eps[i] = (x - mu[i]) / sigma[i];
  state.eps[j] = (y - mu[j]) / sigma[j];
  update();
}

// ---- what sees the result

async function observe(drawing) {
  const {images, given} = drawing;
  const last = images[images.length - 1];
  drawing.match = await network.match(last, given.words, given.sentence);
  drawing.logits = await network.discriminate(images, given.sentence);
  if (drawing === current && !waiting) renderObservers();
}

function renderObservers() {
  const {match, logits} = current;
  if (match) {
    $('#fits').replaceChildren(...words().map((word, t) => {
      const item = document.createElement('li'), fit = match.fit.data[t];
      item.dataset.t = t;
      item.append(span('word', word), span('share', show(fit)));
      item.lastChild.style.setProperty('--share', Math.max(0, fit));
      item.addEventListener('pointerenter', () => choose(t));
      item.addEventListener('pointerleave', () => choose(state.word));
      return item;
    }));
    choose(state.word);
    const [, T, h, w] = match.attention.dims;
    shapes('#view-shapes', [['words e', `(1, ${facts.dim}, ${T})`],
                            ['regions v', `(1, ${facts.dim}, ${h}, ${w})`],
                            ['attention α', `(1, ${T}, ${h}, ${w})`]]);
    $('#whole').textContent = show(match.whole.data[0]);
  }
  if (logits) {
    $('#logits tbody').replaceChildren(...facts.sizes.map((size, i) => {
      const row = document.createElement('tr');
      const cells = [`${size} px`, logits.real, logits.match].map(x => Object.assign(
        document.createElement('td'),
        {textContent: typeof x === 'string' ? x : x ? show(x.data[i]) : '–'}));
      row.append(...cells);
      return row;
    }));
  }
}

// ---- what a change has done

function renderChange() {
  if (!current.images.length) return;
  const last = current.images.length - 1, old = reference ?? current;
  showPicture(before, old, last);
  showPicture(now, current, last);
  if (!reference) return;
  const apart = current.pixels.map((x, i) => mean(difference(x, reference.pixels[i])));
  const stagewise = apart.map((x, i) => `${show(x, 1)} at ${facts.sizes[i]} px`).join(', ');
  $('#change-text').textContent = apart[last] === 0 ? 'Nothing: every pixel is as it was.'
    : `On average a pixel moved by ${stagewise}, of 255 levels.`;
}

// The new sentence comes in on several ways: how far does each of them alone move the picture?
async function renderPaths(old, drawing) {
  const same = !old || old.given.texts.every((x, i) => x === drawing.given.texts[i]);
  if (same) return $('#paths tbody').replaceChildren();
  const last = old.images.length - 1;
  const apart = other => mean(difference(other.pixels[last], old.pixels[last]));
  const rows = [];
  for (const [name, given] of ways(old.given, drawing.given))
    rows.push([name, apart(await painter.draw(given))]);
  rows.push(['all of it', apart(drawing)]);
  const most = Math.max(...rows.map(row => row[1]), 1e-9);
  $('#paths tbody').replaceChildren(...rows.map(([name, x]) => {
    const row = document.createElement('tr'), bar = span('share', show(x, 1));
    bar.style.setProperty('--share', x / most);
    const cell = document.createElement('td');
    cell.append(bar);
    row.append(Object.assign(document.createElement('th'), {textContent: name, scope: 'row'}), cell);
    return row;
  }));
}

// ---- the page is set up

function buildStages() {
  const sizes = facts.hidden_sizes;
  stages = sizes.map((size, i) => {
    const box = $('#stage').content.firstElementChild.cloneNode(true);
    const stage = {box};
    for (const name of ['attention', 'picture', 'hidden', 'delta'])
      stage[name] = new Figure(box.querySelector(`.${name}`));
    box.querySelector('h2').textContent = i ? `Refinement ${i}` : 'First stage';
    box.querySelector('.what').textContent = i
      ? `Each of ${sizes[i - 1]} × ${sizes[i - 1]} pixels attends to the words; then the side doubles.`
      : `Noise and condition become ${size} × ${size} pixels.`;
    const caption = box.querySelector('.attention figcaption');
    if (i) caption.append('Attention to “', span('chosen', ''), '”');
    else caption.textContent = 'Noise z and condition c';
    setUpSwitch(box, i);
    box.querySelectorAll(i ? '.first' : '.next').forEach(x => x.remove());
    const rows = [['hidden state h', `(1, ${facts.channels[i]}, ${size}, ${size})`],
                  ['picture', `(1, 3, ${size}, ${size})`]];
    if (i) rows.unshift(['attention β', `(1, T, ${sizes[i - 1]}, ${sizes[i - 1]})`]);
    shapes(box.querySelector('.shapes tbody'), rows);
    const link = (href, text) => Object.assign(document.createElement('a'), {href, textContent: text});
    box.querySelector('details p').append(
      ...(i ? [link('../12_attention.html', 'Attention'), ', '] : []),
      link('../20_generator.html', 'Generator'), ', ', link('../40_variants.html', 'this network'));
    for (const name of ['picture', 'delta', ...(i ? ['attention'] : [])])
      stage[name].onPoint = (y, x) => pointAt(i, y, x);
    return stage;
  });
  $('#stages').replaceChildren(...stages.map(stage => stage.box));
  state.keep = sizes.slice(1).map(() => 1);
}

function setUpSwitch(box, i) {
  const label = box.querySelector('.check'), input = label.querySelector('input');
  label.querySelector('span').textContent = i ? 'word attention' : 'random flip';
  if (!i && !network.generator.inputNames.includes('flip')) label.style.visibility = 'hidden';
  input.addEventListener('change', () => {
    aboutToChange(`switch ${i} ${input.checked}`);
    if (i) state.keep[i - 1] = Number(input.checked);
    else state.mirrors = input.checked;
    update();
  });
}

function listen() {
  $('#ask').addEventListener('submit', event => {
    event.preventDefault();
    setCaption($('#sentence').value);
  });
  $('#other').addEventListener('click', () => setSeed(state.seed + 1));
  $('#seed').addEventListener('change', () => setSeed(Number($('#seed').value)));
  $('#swap').addEventListener('change', () => replaceWord($('#swap').value));
  $('#drop').addEventListener('click', () => replaceWord(''));
  $('#middle').addEventListener('click', () => setEps(new Float32Array(facts.cond)));
  $('#back').addEventListener('click', () => setEps(null));
  for (const name of ['noise', 'walk'])
    $(`#${name}`).addEventListener('input', () => {
      aboutToChange(name);
      state[name] = Number($(`#${name}`).value);
      $('#walk-from').textContent = show(1 - state.walk);
      $('#walk-to').textContent = show(state.walk);
      update();
    });
  $('#second').addEventListener('change', () => {
    aboutToChange('second');
    state.second = $('#second').value;
    update();
  });
  const leave = event => event.key === 'Escape' && choose(state.word);
  $('#rows').addEventListener('keydown', leave);
}

// A new sentence is drawn only if it has words that the model knows.
// The word number `chosen` stays chosen, or the same word wherever it is now; if it is gone, the
// word with the sharpest map is (-1).
function setCaption(caption, chosen) {
  try {
    const {read} = painter.vocab.encode(caption);
    state.word = chosen ?? read.indexOf(words()[state.word]);
  } catch (error) {
    return say(error.message, true);
  }
  aboutToChange(`caption ${caption}`);
  state.caption = $('#sentence').value = caption;
  cloud.axes = null;
  update();
}

// Put another word in the place of the chosen one, or none.
function replaceWord(word) {
  const text = current.given.texts[0], chosen = text.read[state.word];
  if (!chosen) return;
  const changed = [];
  let place = text.read.slice(0, state.word).filter(x => x === chosen).length;
  for (const row of text.rows) {
    const here = row.fate === 'read' && row.word === chosen && place-- === 0;
    if (!here) changed.push(row.word);
    else if (word) changed.push(word);
  }
  setCaption(changed.join(' '), state.word);
}

function setSeed(seed) {
  if (!Number.isInteger(seed) || seed < 0 || seed > 2 ** 32 - 2)
    return say('the seed must be a whole number from 0 to 4294967294', true);
  aboutToChange(`seed ${seed}`);
  Object.assign(state, {seed, noise: 0, eps: null});
  $('#seed').value = seed;
  $('#noise').value = 0;
  $('#seed-from').textContent = seed;
  $('#seed-to').textContent = seed + 1;
  update();
}

function setEps(eps) {
  aboutToChange('eps');
  control = null;
  state.eps = eps;
  update();
}

// The models that the reader may choose; each has its own address.
function offer(titles, name) {
  const select = $('#model'), models = Object.entries(titles);
  select.replaceChildren(...models.map(([value, title]) => new Option(title, value)));
  select.value = name;
  select.addEventListener('change', () => location.search = `?model=${select.value}`);
}

async function start() {
  for (const bar of document.querySelectorAll('.bar'))
    bar.style.background = gradient(bar.classList.contains('signed') ? 'signed' : 'viridis');
  const list = await fetch('models/index.json');
  if (!list.ok) throw new Error('this copy of the page was made without npm');
  const titles = await list.json();
  const asked = new URLSearchParams(location.search).get('model');
  const name = asked in titles ? asked : Object.keys(titles)[0];
  offer(titles, name);
  network = await Network.load(`models/${name}`,
    share => say(`Fetching the network: ${Math.round(100 * share)} %`));
  facts = network.facts;
  painter = new Painter(network);
  match = new Figure($('#look'));
  match.onPoint = (y, x) => pointAt(facts.hidden_sizes.length - 1, y, x);
  [before, now] = [new Figure($('#before')), new Figure($('#now'))];
  cloud = new Cloud($('#cloud'), $('#cloud-output'), [$('#axis-x'), $('#axis-y')], moveCondition);
  buildStages();
  $('#damsm').hidden = !facts.damsm;
  $('#realness').hidden = !facts.discriminators;
  $('#absent').hidden = facts.discriminators;
  $('#swap').replaceChildren(new Option('another word', ''),
    ...facts.swaps.map(word => new Option(word, word)));
  $('#note').textContent = facts.note;
  state.caption = $('#sentence').value = facts.examples[0];
  state.second = $('#second').value = facts.examples[2] ?? facts.examples[0];
  listen();
  for (const element of document.querySelectorAll(':disabled')) element.disabled = false;
  await update();
  choose(sharpest(), true);
  document.body.dataset.ready = 'drawn';
  await network.loadObservers();
  await observe(current);
  renderObservers();
  document.body.dataset.ready = 'complete';
}

// For tests, and for the curious in the browser's console.
globalThis.explorer = {
  state, normal, encode: caption => painter.vocab.encode(caption), update, setCaption, setSeed,
  get current() { return current; }, get reference() { return reference; },
  get busy() { return busy; }, get facts() { return facts; },
};

start().catch(error => {
  console.error(error);
  say(`The network could not be loaded (${error.message}). The chapters show the same steps.`, true);
});
