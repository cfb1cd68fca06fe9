// A caption becomes ids, by the rules of Python's `Vocab.encode` (chapter 1, "Text").

export class CaptionError extends Error {}

// How Python writes a string: repr().
export function repr(text) {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const names = {'\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\', [quote]: '\\' + quote};
  let out = '';
  for (const letter of text) {
    const code = letter.codePointAt(0);
    if (names[letter]) out += names[letter];
    else if (letter === ' ' || !/[\p{C}\p{Z}]/u.test(letter)) out += letter;
    else if (code < 0x100) out += '\\x' + code.toString(16).padStart(2, '0');
    else if (code < 0x10000) out += '\\u' + code.toString(16).padStart(4, '0');
    else out += '\\U' + code.toString(16).padStart(8, '0');
  }
  return quote + out + quote;
}

// The first n letters; a letter is a code point, as in Python.
function first(text, n) {
  let end = 0;
  for (const letter of text.slice(0, 2 * n)) {
    if (n-- === 0) break;
    end += letter.length;
  }
  return text.slice(0, end);
}

function shortened(text) {
  const start = first(text, 60);
  return repr(start === text ? text : start + '…');
}

export class Vocab {
  constructor(facts) {   // what is in facts.json
    this.words = facts.words;
    this.ids = new Map(facts.words.map((word, id) => [word, id]));
    this.stop = new Set(facts.stop);
    this.asciiOnly = facts.ascii_only;
    this.strict = facts.unknown === 'error';
    this.most = facts.T;
    const pattern = facts.pattern                       // from Python's notation to JavaScript's
      .replace(/\\U([0-9a-f]{8})/g, (_, code) => `\\u{${code.replace(/^0+/, '')}}`)
      .replace(/\\w/g, '[\\p{L}\\p{N}_]');
    this.pattern = new RegExp(pattern, 'gu');
  }

  // Every word of the caption, stop words included.
  split(caption) {
    const text = this.asciiOnly ? caption : caption.normalize('NFC');
    const words = text.toLowerCase().match(this.pattern) ?? [];
    if (!this.asciiOnly) return words;
    return words.map(word => word.replace(/[^\x00-\x7f]/g, '')).filter(word => word);
  }

  // `ids` and the words that are `read`; `rows`, every word with what became of it; `notes`, what
  // Python would warn of. Throws CaptionError with the sentence that `generate` raises.
  encode(caption) {
    const all = this.split(caption);
    const words = all.filter(word => !this.stop.has(word));
    const quoted = shortened(caption);
    if (!words.length)
      throw new CaptionError(`the caption ${quoted} has no words; ` +
                             'write a sentence such as "a red bird with a black beak"');
    const missing = [...new Set(words.filter(word => !this.ids.has(word)))];
    let names = missing.slice(0, 8).map(word => first(word, 30)).join(', ');
    if (missing.length > 8) names += ` and ${missing.length - 8} more`;
    const known = words.filter(word => this.ids.has(word));
    if (missing.length && (this.strict || !known.length))
      throw new CaptionError(`unknown words in ${quoted}: ${names}; this model knows ` +
                             `${this.words.length - 1} words (see \`vocab.words\`)`);
    const notes = missing.length ? [`unknown words left out: ${names}`] : [];
    if (known.length > this.most)
      notes.push(`caption of ${known.length} words: only the first ${this.most} are used`);
    const read = known.slice(0, this.most);
    return {ids: read.map(word => this.ids.get(word)), read, rows: this.rows(all), notes};
  }

  // [{word, id, fate}] with fate 'read', 'stop', 'unknown' or 'cut'; at most 40 of them.
  rows(all) {
    let read = 0;
    return all.slice(0, 40).map(word => {
      if (this.stop.has(word)) return {word, fate: 'stop'};
      if (!this.ids.has(word)) return {word, fate: 'unknown'};
      read += 1;
      return {word, id: this.ids.get(word), fate: read > this.most ? 'cut' : 'read'};
    });
  }
}
