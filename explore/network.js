// The networks: fetched, unpacked, and run by onnxruntime-web in one thread.

let ort;                                     // onnxruntime-web, loaded with the first network

// A file of the site; ours are packed with gzip. `seen` is told how many bytes have arrived.
async function unpacked(path, seen) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${answer.statusText}`);
  const count = new TransformStream({transform(chunk, out) {
    seen(chunk.length);
    out.enqueue(chunk);
  }});
  const stream = answer.body.pipeThrough(count).pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const floats = (data, ...shape) => new ort.Tensor('float32', Float32Array.from(data), shape);
const whole = (data, ...shape) =>
  new ort.Tensor('int64', BigInt64Array.from(data, BigInt), shape);

async function loadRuntime(seen) {
  ort = await import('./ort.mjs');
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = 1;               // so that the server needs no special headers
  ort.env.wasm.wasmBinary = (await unpacked('ort.bin', seen)).buffer;
}

async function run(session, inputs) {
  const used = Object.fromEntries(session.inputNames.map(name => [name, inputs[name]]));
  const found = await session.run(used);
  return Object.fromEntries(Object.entries(found).map(
    ([name, x]) => [name, {data: x.data, dims: x.dims}]));
}

export class Network {
  // `seen(share)` is called while text encoder and generator are loaded.
  static async load(folder, seen = () => {}) {
    const network = new Network();
    network.folder = folder;
    network.facts = await (await fetch(`${folder}/facts.json`)).json();
    const expected = network.facts.bytes.text + network.facts.bytes.generator + 3.7e6;
    let arrived = 0;
    const count = bytes => seen(Math.min(1, (arrived += bytes) / expected));
    if (!ort) await loadRuntime(count);
    network.encoder = await network.open('text', count);
    network.generator = await network.open('generator', count);
    return network;
  }

  async open(name, seen = () => {}) {
    const graph = await unpacked(`${this.folder}/${name}.bin`, seen);
    return ort.InferenceSession.create(graph, {executionProviders: ['wasm']});
  }

  // What looks at the result comes later: the first bird doesn't wait for it.
  async loadObservers() {
    if (this.facts.damsm) this.damsm = await this.open('damsm');
    if (this.facts.discriminators) this.discriminators = await this.open('discriminators');
  }

  // ids → words (1, D, T), sentence (1, D), mu and logvar (1, K), flip (1, 1)
  text(ids) {
    return run(this.encoder, {ids: whole(ids, 1, ids.length), lengths: whole([ids.length], 1)});
  }

  // → hidden_i (1, C, S, S), image_i (1, 3, S, S), attention_i (1, T, S, S)
  draw({noise, c, words, weight, keep, flip}) {
    const [T, R] = [words.dims[2], keep.length];
    return run(this.generator, {
      noise: floats(noise, 1, noise.length), c: floats(c, 1, c.length),
      words: floats(words.data, 1, this.facts.dim, T), weight: floats(weight, 1, R, T),
      keep: floats(keep, 1, R), flip: floats([flip], 1, 1),
    });
  }

  // → attention (1, T, h, w), fit (1, T), whole (1,); null without a DAMSM
  match(image, words, sentence) {
    if (!this.damsm) return null;
    return run(this.damsm, {
      image: floats(image.data, ...image.dims), words: floats(words.data, ...words.dims),
      sentence: floats(sentence, 1, sentence.length),
    });
  }

  // → logits match (1, n) and real (1, n); null without discriminators
  discriminate(images, sentence) {
    if (!this.discriminators) return null;
    const inputs = {sentence: floats(sentence, 1, sentence.length)};
    images.forEach((x, i) => inputs[`image_${i}`] = floats(x.data, ...x.dims));
    return run(this.discriminators, inputs);
  }
}

// (1, D, T) and (1, D, T') side by side: (1, D, T + T')
export function joined(a, b) {
  const [D, T, U] = [a.dims[1], a.dims[2], b.dims[2]];
  const data = new Float32Array(D * (T + U));
  for (let d = 0; d < D; d++) {
    data.set(a.data.subarray(d * T, (d + 1) * T), d * (T + U));
    data.set(b.data.subarray(d * U, (d + 1) * U), d * (T + U) + T);
  }
  return {data, dims: [1, D, T + U]};
}
