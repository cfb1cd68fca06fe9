"""Read many damaged files of one kind and write down what happens (a process of test_fuzz.py).

    python fuzz_child.py KIND START N FOLDER

A kind is a class: `good` makes small honest files, `read` reads one of them, `traps` are files that
were made to do harm. What was read, refused or went wrong is written to FOLDER/said.
"""
import io
import json
import os
import pickle
import random
import re
import resource
import signal
import struct
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from attngan import files
from attngan.text import CaptionError, Vocab

MANY = 9 if os.environ.get('ATTNGAN_FUZZ') else 1
WORDS = 'a red blue bird with long black wings'.split()
GREAT = [0, -1, 2**31 - 1, 2**31, 2**32, 2**62, 10**9, 10**12]
NUMBERS = [b'0', b'-1', b'1e999', b'NaN', b'9'*12, b'9'*5000, b'[]', b'true']
FILLS = [b'\0', b'\xff', b'\x7f', b'[', b'{', b'(', b'9']


def mutated(data, rng, other):
    "Up to four accidents. `other`: bytes of another file."
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        accident(data, rng, other)
    return bytes(data)


def accident(data, rng, other):
    "Bits turned over, great numbers, bytes lost, doubled, moved, or taken from another file."
    reach = min(len(data), 2048) if rng.random() < .5 else len(data)  # beginnings say what follows
    i = rng.randrange(reach + 1)
    k = rng.choice([1, 1, 2, 4, 8, 16, 64])
    what = rng.randrange(9)
    if what == 0 and i < len(data):
        data[i] ^= 1 << rng.randrange(8)
    elif what == 1:
        data[i:i+k] = rng.randbytes(k)
    elif what == 2:
        data[i:i+k] = rng.choice(FILLS)*k
    elif what == 3:
        data[i:i+8] = struct.pack(rng.choice('<>') + 'q', rng.choice(GREAT))
    elif what == 4:
        del data[i:i+k]
    elif what == 5:
        data[i:i] = data[i:i+k]*rng.choice([1, 2, 1000])
    elif what == 6:
        del data[i:]
    elif what == 7 and other:
        j = rng.randrange(len(other))
        data[i:i+k] = other[j:j+k]
    elif what == 8:
        numbers = list(re.finditer(rb'\d+', data[:20_000]))
        if numbers:
            m = rng.choice(numbers)
            data[m.start():m.end()] = rng.choice(NUMBERS)


class Vocabularies:
    "`captions.pickle`, and vocabularies as JSON."
    names = ['captions.pickle', 'vocabulary.json']

    def good(self, folder):
        vocab = Vocab.from_captions([' '.join(WORDS)], ascii_only=True)
        vocab.to_json(folder/'v.json')
        words = dict(enumerate(vocab.words))
        whole = [[[1, 2], [3]], [[np.int64(4)]], words, {w: i for i, w in words.items()}]
        arrays = [np.arange(5), np.ones((2, 3), 'i4'), words, {}]
        made = [('captions.pickle', pickle.dumps(whole, protocol)) for protocol in (0, 2, 4)]
        made.append(('captions.pickle', pickle.dumps(arrays, 2)))
        made.append(('vocabulary.json', (folder/'v.json').read_bytes()))
        return made

    def read(self, path):
        if path.suffix == '.json':
            Vocab.from_json(path)
        else:
            Vocab.from_pickle(path)

    def traps(self, folder):
        for data in self.pickles():
            yield 'captions.pickle', data
        head = b'{"words":['
        for data in (b'['*10**7, head + b'[],'*5_000_000, head + b'"ab",'*3_100_000,
                     b'{"words":' + b'9'*10**6, b' '*17_000_000):
            yield 'vocabulary.json', data

    def pickles(self):
        yield b']'*4_000_000*MANY                                     # lists in lists
        yield b'\x8f'*4_000_000                                       # sets
        if MANY > 1:
            for x in (b'(', b'}', b'N\x94', b'N'*9, b'U\2ab', b'J\x11\x11\x11\x11',
                      b'\x8a\2\x11\x11'):
                yield x*4_000_000
        yield array((10**9, 0), text(0)) + b'.'                       # nothing, a billion times
        yield array((10**5,) + (1,)*50, text(10**5)) + b'.'
        decoder = b'](cnumpy.core.numeric\n_frombuffer\nq\1'
        once = array((10**6,), text(10**6), b'')[:-1] + b'q\2R'
        yield decoder + once + b'h\1h\2R'*10_000 + b'e.'              # the same bytes, 10,000 times
        yield b'}N\x85' + b'2\x86'*60 + b'Ns.'                        # 2⁶⁰ tuples as a key
        yield b'](' + b']'*100_000 + b'a'*100_000
        yield b'](]]}K\0N\x85' + b'2\x86'*40 + b's}e.'
        yield b'\x8b\0\0\0\x7f1'                                      # lengths that lie
        yield b'X\xff\xff\xff\x7f'
        yield b'\x8d' + b'\xff'*7 + b'\x7f'
        yield b'\x96' + b'\xff'*7 + b'\x7f'
        yield b'c' + b'a'*10**7 + b'\nb\n'
        yield b'N'*41_000_000
        yield pickle.dumps([[], [], {0: '<end>', 1: 10**20_000}, {}])
        yield pickle.dumps([[], [], {10**20_000: 1}, {}])
        yield b'cos\nsystem\n(S"touch bad"\ntR.'                      # programs
        yield b'cbuiltins\nexec\n(S"open(\'bad\', \'w\')"\ntR.'


def text(n):
    "A string of `n` letters in a pickle."
    return b'X' + n.to_bytes(4, 'little') + b'a'*n


def array(shape, data, decode=b'cnumpy.core.numeric\n_frombuffer\n'):
    "An array of bytes in a pickle."
    kind = b'cnumpy\ndtype\n(U\x02u1tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb'
    return decode + b'(' + data + kind + pickle.dumps(shape, 2)[2:-1] + b'U\x01CtR'


class ModelFolder:
    "A folder of `TextToImage`, and a file of a DAMSM."
    names = ['config.json', 'model.safetensors', 'damsm.safetensors']

    def good(self, folder):
        from attngan.config import Config, DiscriminatorConfig, GeneratorConfig, TextConfig
        from attngan.image_encoder import SmallEncoderConfig
        from attngan.inference import TextToImage, load_damsm, save_damsm
        self.pipeline = TextToImage
        self.load_damsm = load_damsm
        text_config = TextConfig(emb_sz=4, dim=4, max_words=6)
        generator = GeneratorConfig(hidden=4, cond=4, noise=4, stages=2, base=8)
        config = Config(text=text_config, image=SmallEncoderConfig(), generator=generator,
                        discriminator=DiscriminatorConfig(width=4))
        vocab = Vocab.from_captions([' '.join(WORDS)])
        TextToImage(vocab, text_config, generator).save_pretrained(folder)
        self.parts = {name: (folder/name).read_bytes() for name in self.names[:2]}
        damsm = config.new_damsm(len(vocab), weights=None)
        save_damsm(damsm, vocab, config, folder/'damsm.safetensors')
        return [*self.parts.items(),
                ('config.json', self.parts['config.json']),
                ('model.safetensors', self.parts['model.safetensors'][:6000]),
                ('damsm.safetensors', (folder/'damsm.safetensors').read_bytes())]

    def read(self, path):
        if path.name == 'damsm.safetensors':
            self.load_damsm(path)
            return
        for name, data in self.parts.items():
            if name != path.name:
                (path.parent/name).write_bytes(data)
        self.pipeline.from_pretrained(path.parent).generate('a red bird with black wings')

    def traps(self, folder):
        config = json.loads(self.parts['config.json'])
        changes = [('text', dict(dim=10**9)), ('text', dict(dim=9998, emb_sz=9998)),
                   ('text', dict(max_words=10**12)), ('generator', dict(n_res=10**9)),
                   ('generator', dict(n_res=10_000)), ('generator', dict(hidden=[10_000]*7)),
                   ('generator', dict(hidden=[4]*10**6)), ('generator', dict(stages=40)),
                   ('generator', dict(base=2**20)), ('generator', dict(stages=0)),
                   ('generator', dict(noise=10_000, cond=10_000))]
        for part, change in changes:
            yield 'config.json', json.dumps(config | {part: config[part] | change}).encode()
        weights = self.parts['model.safetensors']
        for size in (2**63, 10**8, 99_999_999, 2**32):
            yield 'model.safetensors', size.to_bytes(8, 'little') + weights[8:]
        huge = dict(x=dict(dtype='F32', shape=[2**20, 2**20], data_offsets=[0, 2**42]))
        empty = dict(dtype='F32', shape=[0], data_offsets=[0, 0])
        for header in (huge, {str(i): empty for i in range(400_000)}):
            data = json.dumps(header).encode()
            yield 'model.safetensors', len(data).to_bytes(8, 'little') + data


class Captions:
    "Captions as text, tables, JSON lines, COCO's JSON; and a list of Caltech's."
    names = ['captions.txt', 'captions.csv', 'captions.jsonl', 'captions_train2014.json',
             'images.txt']

    def good(self, folder):
        for i in range(2):
            Image.new('RGB', (9, 9)).save(folder/f'{i}.png')
        said = [(f'{i % 2}.png', f'a {word} bird, "tête" {word}') for i, word in enumerate(WORDS)]
        rows = ['image,caption,class']
        for name, caption in said:
            quoted = caption.replace('"', '""')
            rows.append(f'{name},"{quoted}",{name[0]}')
        annotations = []
        for i, (_, caption) in enumerate(said):
            annotations.append(dict(id=i, image_id=i % 2, caption=caption))
        pictures = [dict(id=i, file_name=f'{i}.png') for i in range(2)]
        coco = dict(images=pictures, annotations=annotations)
        lines = [json.dumps(dict(image=name, caption=caption)) for name, caption in said]
        return [('captions.txt', '\n'.join(caption for _, caption in said).encode()),
                ('captions.csv', '\n'.join(rows).encode()),
                ('captions.jsonl', '\n'.join(lines).encode()),
                ('captions_train2014.json', json.dumps(coco).encode()),
                ('images.txt', ''.join(f'{i} 1.0 2.5 3 {i}\n' for i in range(9)).encode())]

    def read(self, path):
        if path.name == 'captions.txt':
            files.read_captions(path)
        elif path.name == 'images.txt':
            files.read_rows(path, 5)
        elif path.suffix == '.json':
            with files.gathering(files.Faults()) as found:
                files.sound(files._read_coco(path, path.parent, found), found)
        else:
            files.table_items(path, faults=files.Faults())
            files.table_items(path)

    def traps(self, folder):
        for name in self.names[:4]:
            yield name, b'a red bird '*10**7
            yield name, b'\n'*50_000_000
            yield name, b'a\0'*10**6
        head = b'image,caption\n'
        yield 'captions.csv', head + b'0.png,a bird\n'*20_000*MANY
        yield 'captions.csv', head + b'0.png\n'*120_000*MANY
        yield 'captions.csv', head + b'0.png,"' + b'a'*10**7
        yield 'captions.csv', head + b','*10**7
        yield 'captions.csv', head + b'0.png,\xff\n'*1000
        for data in (b'['*10**6, b'{"image":' + b'['*10**5, b'[]\n'*10**6, b'9'*10**6):
            yield 'captions.jsonl', data
        parents = b'../'*10**5
        for data in (b'['*10**7, b'[' + b'{},'*20_000_000, b'{"images":[' + b'"ab",'*10**7,
                     b'{"images":[{"id":[],"file_name":3}],"annotations":[]}',
                     b'{"images":[{"id":1,"file_name":"' + parents + b'x"}],"annotations":[]}'):
            yield 'captions_train2014.json', data


class HDF5:
    "A file of FashionGen."
    names = ['small.h5']

    def good(self, folder):
        import h5py
        self.h5py = h5py
        made = []
        for chunks, packed, old in ((None, None, True), ((1, 8, 8, 3), 'gzip', True),
                                    ((2, 8, 8, 3), None, False)):
            with h5py.File(folder/'small.h5', 'w', libver='earliest' if old else 'latest') as f:
                pictures = np.random.randint(0, 255, (4, 8, 8, 3), 'uint8')
                f.create_dataset('input_image', data=pictures, chunks=chunks, compression=packed)
                f['input_description'] = np.array([[b'A red dress. Paper.']]*4)
                f['input_category'] = np.array([[b'DRESSES']]*4)
                if old:
                    f['input_productID'] = np.arange(4)[:, None]
                else:
                    f.create_dataset('input_msrpUSD', data=['1', 'two', '3', 'four'],
                                     dtype=h5py.string_dtype())
            made.append(('small.h5', (folder/'small.h5').read_bytes()))
        return made

    def read(self, path):
        for item in files._fashiongen_split(path, files.FASHION, files.Faults()):
            files.open_picture(item.image)

    def trap(self, folder, shape, **kwargs):
        with self.h5py.File(folder/'trap.h5', 'w') as f:
            f.create_dataset('input_image', shape, 'uint8', **kwargs)
            for name in ('input_description', 'input_category'):
                f.create_dataset(name, shape[:1], 'S8', chunks=(1,))
        return 'small.h5', (folder/'trap.h5').read_bytes()

    def traps(self, folder):
        yield self.trap(folder, (10**12, 8, 8, 3), chunks=(1, 8, 8, 3))
        yield self.trap(folder, (4, 10**5, 10**5, 3), chunks=(1, 8, 8, 3))
        yield self.trap(folder, (30_000, 256, 256, 3), chunks=(20_000, 256, 256, 3))
        yield self.trap(folder, (5_000_001, 8, 8, 3), chunks=(1, 8, 8, 3))
        yield self.trap(folder, (10**6, 8, 8, 3), chunks=(1, 8, 8, 3))


class Pictures:
    "A picture in any format."
    names = ['picture.jpg']

    def good(self, folder):
        im = Image.fromarray(np.random.randint(0, 255, (24, 32, 3), 'uint8'))
        exif = Image.Exif()
        exif[0x0112] = 6
        exif[0x010e] = 'a bird'
        formats = [('JPEG', 'RGB'), ('JPEG', 'CMYK'), ('PNG', 'RGB'), ('PNG', 'RGBA'), ('PNG', 'P'),
                   ('GIF', 'P'), ('BMP', 'RGB'), ('WEBP', 'RGB'), ('TIFF', 'RGB'), ('TIFF', 'L')]
        pictures = [(im.convert(mode), kind) for kind, mode in formats]
        pictures.append((Image.fromarray(np.asarray(im.convert('L')).astype('uint16')), 'PNG'))
        return [('picture.jpg', self.encoded(im, kind, exif)) for im, kind in pictures]

    def encoded(self, im, kind, exif=None):
        options = dict(exif=exif) if exif and kind in ('JPEG', 'WEBP', 'PNG') else {}
        if kind == 'TIFF' and im.mode == 'L' and exif:
            options['compression'] = 'tiff_lzw'
        file = io.BytesIO()
        im.save(file, kind, **options)
        return file.getvalue()

    def read(self, path):
        assert max(files.open_picture(path).size) <= 40_000_000

    def png(self, width, height, colour, bits=8, data=b''):
        def chunk(kind, content):
            checksum = struct.pack('>I', zlib.crc32(kind + content))
            return struct.pack('>I', len(content)) + kind + content + checksum
        head = struct.pack('>IIBBBBB', width, height, bits, colour, 0, 0, 0)
        chunks = chunk(b'IHDR', head) + chunk(b'IDAT', data) + chunk(b'IEND', b'')
        return b'\x89PNG\r\n\x1a\n' + chunks

    def traps(self, folder):
        for picture in self.pictures():
            yield 'picture.jpg', picture

    def pictures(self):
        yield self.png(50_000, 50_000, 2)
        yield self.png(12_000, 12_000, 2)
        yield self.png(2**31 - 1, 1, 2)
        yield self.png(1, 10**6, 0)
        side = 6300                                                   # the largest that are let in
        largest = [(2, 8, 3), (6, 8, 4), (0, 16, 2), (6, 16, 8), (4, 16, 4)]
        for colour, bits, k in largest if MANY > 1 else largest[:3]:
            rows = zlib.compress(b'\0'*side*(k*side + 1), 1)          # 317 MB at most
            yield self.png(side, side, colour, bits, rows)
        yield self.encoded(Image.new('RGB', (50, 50)), 'EPS')
        for mode in ('L', 'I') if MANY > 1 else ():
            yield self.encoded(Image.new(mode, (side, side)), 'TIFF')


KINDS = dict(vocabulary=Vocabularies, folder=ModelFolder, captions=Captions, hdf5=HDF5,
             image=Pictures)


class Run:
    "The files of one kind, one after another."
    def __init__(self, kind, folder):
        self.reader = KINDS[kind]()
        self.folder = folder
        self.inside = folder/'inside'
        self.inside.mkdir(exist_ok=True)
        self.good = self.reader.good(folder)
        for picture in folder.glob('*.png'):
            (self.inside/picture.name).write_bytes(picture.read_bytes())
        os.chdir(folder/'empty')
        self.kind = kind
        self.said = dict(read=0, refused=0, bad=[])

    def attempt(self, i, name, data):
        "Read one file. An error must name it, and nothing may be written."
        (self.folder/'now').write_text(str(i))
        path = self.inside/name
        path.write_bytes(data)
        before = set(self.inside.iterdir())
        signal.alarm(120)
        try:
            self.reader.read(path)
            self.said['read'] += 1
        except CaptionError:
            self.said['read'] += 1
        except (ValueError, FileNotFoundError) as e:
            self.said['refused'] += 1
            message = str(e)
            out_of_memory = re.search('MemoryError|allocate', message)
            if str(self.inside) not in message or out_of_memory or len(message) > 10**5:
                self.note(i, e)
        except BaseException as e:
            self.note(i, e)
        signal.alarm(0)
        new = set(self.inside.iterdir()) - before - {self.inside/n for n in self.reader.names}
        if new or any(Path().iterdir()):
            self.said['bad'].append([i, 'something was written'])

    def note(self, i, error):
        self.said['bad'].append([i, f'{type(error).__name__}: {str(error)[:300]}'])

    def accident(self, i):
        "File `i` with its accidents: always the same ones."
        rng = random.Random(f'{self.kind} {i}')
        name, data = self.good[i % len(self.good)]
        return name, mutated(data, rng, rng.choice(self.good)[1])


def used():
    "MB, the most that this process had until now."
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/1024


def main(kind, start, n, folder):
    warnings.simplefilter('ignore')
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    random.seed(0)
    torch.manual_seed(0)
    run = Run(kind, folder)
    for name, data in run.good[:2]:
        run.attempt(-1, name, data)
    assert run.said['read'] == 2, run.said
    run.said['read'] = 0
    before = used()                                                   # PyTorch and all that
    for i in range(start, n):
        run.attempt(i, *run.accident(i))
    after = used()
    traps = 0
    for name, data in run.reader.traps(folder):
        run.attempt(n + traps, name, data)
        traps += 1
    run.said.update(traps=traps, accidents_MB=round(after - before), traps_MB=round(used() - after))
    (folder/'said').write_text(json.dumps(run.said))


if __name__ == '__main__':
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
