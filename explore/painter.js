// From what the reader has chosen to a drawing with all its tensors. Nothing here knows the page.

import {joined} from './network.js';
import {Vocab} from './words.js';
import {normal, walk} from './noise.js';
import {pixels} from './maps.js';

const mix = (a, b, t) => t === 0 ? a : a.map((x, i) => (1 - t) * x + t * b[i]);

// Is the picture mirrored? Our generator decides it by the first number of the noise.
export const isMirrored = ({noise, flip}) => noise[0] < flip;

export class Painter {
  constructor(network) {
    this.network = network;
    this.facts = network.facts;
    this.vocab = new Vocab(network.facts);
    this.texts = new Map();             // caption → what the text encoder says
  }

  async encode(caption) {
    const {texts} = this;
    if (!texts.has(caption)) {
      const read = this.vocab.encode(caption);               // may throw a CaptionError
      texts.set(caption, {...read, ...await this.network.text(read.ids)});
      if (texts.size > 50) texts.delete(texts.keys().next().value);
    }
    return texts.get(caption);
  }

  noiseOf(seed) {                       // as Python's `generate`: z first, then ε
    const {noise, cond} = this.facts, all = normal(seed, noise + cond);
    return {z: all.slice(0, noise), eps: all.slice(noise)};
  }

  // Everything that goes into the generator. `walk` is the way to the `second` sentence.
  async inputs({caption, second, seed, noise, eps, walk: t, keep, mirrors}) {
    const a = await this.encode(caption), b = t > 0 ? await this.encode(second) : a;
    const texts = t > 0 ? [a, b] : [a];
    const of = name => mix(a[name].data, b[name].data, t);
    const mu = of('mu'), sigma = of('logvar').map(x => Math.exp(x / 2));
    const deviation = eps ?? this.noiseOf(seed).eps;
    const weights = texts.flatMap((x, i) => Array(x.ids.length).fill(i ? t : 1 - t));
    return {
      texts, weights, mu, sigma, eps: deviation, keep: [...keep], sentence: of('sentence'),
      noise: walk(this.noiseOf(seed).z, this.noiseOf(seed + 1).z, noise),
      c: mu.map((x, i) => x + sigma[i] * deviation[i]),
      flip: a.flip && mirrors ? of('flip')[0] : -Infinity,
      words: t > 0 ? joined(a.words, b.words) : a.words,
      weight: keep.flatMap(() => weights),
    };
  }

  // One drawing: what went in, all tensors that came out, and the pictures as pixels.
  async draw(given) {
    const out = await this.network.draw(given);
    const all = name => this.facts.hidden_sizes.map((_, i) => out[`${name}_${i}`]).filter(x => x);
    const images = all('image');
    return {given, images, hidden: all('hidden'), attention: all('attention'),
            pixels: images.map(pixels)};
  }
}

// The ways on which a new sentence comes into a drawing, [[name, inputs]]: what went into the
// old drawing, with one thing of the new one.
export function ways(old, given) {
  const found = [['its condition', {...old, c: given.c}]];
  for (let r = 1; r <= old.keep.length; r++)
    found.push([`its words, at refinement ${r}`, withWords(old, given, r)]);
  if (isMirrored(old) !== isMirrored(given))
    found.push(['its flip logit (mirrored)', {...old, flip: given.flip}]);
  return found;
}

// The words of both drawings are offered; refinement r takes the new ones, all others the old.
function withWords(old, given, r) {
  const T = old.words.dims[2], U = given.words.dims[2];
  const weight = old.keep.flatMap((_, i) => i + 1 === r
    ? [...Array(T).fill(0), ...given.weight.slice(i * U, (i + 1) * U)]
    : [...old.weight.slice(i * T, (i + 1) * T), ...Array(U).fill(0)]);
  return {...old, words: joined(old.words, given.words), weight};
}
