// The noise of a seed: the numbers that PyTorch draws on a CPU, so that a seed means the same
// bird here and in Python.

// Mersenne Twister: whole numbers of 32 bits.
function twister(seed) {
  const state = new Uint32Array(624);
  state[0] = seed;
  for (let i = 1; i < 624; i++) {
    const last = state[i - 1] ^ (state[i - 1] >>> 30);
    state[i] = Math.imul(1812433253, last) + i;
  }
  let next = 624;
  return () => {
    if (next === 624) {
      for (let i = 0; i < 624; i++) {
        const both = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
        state[i] = state[(i + 397) % 624] ^ (both >>> 1) ^ (both & 1 ? 0x9908b0df : 0);
      }
      next = 0;
    }
    let y = state[next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}

// n standard normal numbers, n at least 16: uniform ones, turned in sixteens by Box and Muller.
export function normal(seed, n) {
  const draw = twister(seed);
  const uniform = () => (draw() & 0xffffff) / 2 ** 24;
  const x = Float32Array.from({length: n}, uniform);
  const turn = start => {
    for (let i = start; i < start + 8; i++) {
      const radius = Math.sqrt(-2 * Math.log(1 - x[i]));
      const angle = 2 * Math.PI * x[i + 8];
      x[i] = radius * Math.cos(angle);
      x[i + 8] = radius * Math.sin(angle);
    }
  };
  for (let i = 0; i + 16 <= n; i += 16) turn(i);
  if (n % 16) {                                   // the last sixteen are drawn anew
    for (let i = n - 16; i < n; i++) x[i] = uniform();
    turn(n - 16);
  }
  return x;
}

// From a to b with the length that normal numbers have all the way; t from 0 to 1.
export function walk(a, b, t) {
  const dot = a.reduce((sum, x, i) => sum + x * b[i], 0);
  const angle = Math.acos(Math.max(-1, Math.min(1, dot / (Math.hypot(...a) * Math.hypot(...b)))));
  if (angle < 1e-6 || t === 0) return a;
  const [p, q] = [Math.sin((1 - t) * angle), Math.sin(t * angle)].map(x => x / Math.sin(angle));
  return a.map((x, i) => p * x + q * b[i]);
}
