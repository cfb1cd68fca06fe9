"""Files from elsewhere, damaged at random and on purpose: each is read, or refused with an error that names it. Nothing crashes, hangs, writes, or takes more than 1 GiB.
500 damaged files of each kind; `ATTNGAN_FUZZ=10000 pytest tests/test_fuzz.py` for as many as that. Each kind has a process of its own, so that a crash of it is seen and counted."""
import json, os, subprocess, sys
import pytest

CASES = int(os.environ.get('ATTNGAN_FUZZ') or 500)

# In the child: `good` makes small honest files, `read` reads one of them, `traps` are files made to do harm, some of which did before there was a protection.
CHILD = r'''
import io, json, os, pickle, random, re, resource, signal, struct, sys, warnings, zlib
from dataclasses import replace
from pathlib import Path
kind, start, n, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]); many = 9 if os.environ.get('ATTNGAN_FUZZ') else 1
warnings.simplefilter('ignore'); resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30)); signal.signal(signal.SIGALRM, signal.SIG_DFL)
import numpy as np, torch
from PIL import Image
from attngan import files, presets
from attngan.text import CaptionError, Vocab
if kind == 'folder':
    from attngan.damsm_training import new_damsm
    from attngan.inference import TextToImage, config_of, load_damsm, save_damsm
random.seed(0); torch.manual_seed(0); words = 'a red blue bird with long black wings'.split()

def mutated(data, rng, other):
    "One to four accidents: bits turned over, numbers replaced by great ones, pieces lost, doubled, moved, or taken from another file."
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        head = min(len(data), 2048) if rng.random() < .5 else len(data)                             # beginnings say what follows
        i, k = rng.randrange(head + 1), rng.choice([1, 1, 2, 4, 8, 16, 64])
        what = rng.randrange(9)
        if what == 0 and i < len(data): data[i] ^= 1 << rng.randrange(8)
        elif what == 1: data[i:i+k] = rng.randbytes(k)
        elif what == 2: data[i:i+k] = rng.choice([b'\0', b'\xff', b'\x7f', b'[', b'{', b'(', b'9'])*k
        elif what == 3: data[i:i+8] = struct.pack(rng.choice('<>') + 'q', rng.choice([0, -1, 2**31 - 1, 2**31, 2**32, 2**62, 10**9, 10**12]))
        elif what == 4: del data[i:i+k]
        elif what == 5: data[i:i] = data[i:i+k]*rng.choice([1, 2, 1000])
        elif what == 6: del data[i:]
        elif what == 7 and other: j = rng.randrange(len(other)); data[i:i+k] = other[j:j+k]
        elif what == 8 and (numbers := list(re.finditer(rb'\d+', data[:20_000]))): m = rng.choice(numbers); data[m.start():m.end()] = rng.choice([b'0', b'-1', b'1e999', b'NaN', b'9'*12, b'9'*5000, b'[]', b'true'])
    return bytes(data)

def text(n): return b'X' + n.to_bytes(4, 'little') + b'a'*n
def array(shape, data, decode=b'cnumpy.core.numeric\n_frombuffer\n'):
    return decode + b'(' + data + b'cnumpy\ndtype\n(U\x02u1tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb' + pickle.dumps(shape, 2)[2:-1] + b'U\x01CtR'

class Pickles:
    names = ['captions.pickle', 'vocabulary.json']
    def good(self):
        vocab = Vocab.from_captions([' '.join(words)], ascii_only=True); ids = dict(enumerate(vocab.words)); vocab.to_json(folder/'v.json')
        whole = [[[1, 2], [3]], [[np.int64(4)]], ids, {w: i for i, w in ids.items()}]
        return [('captions.pickle', pickle.dumps(whole, k)) for k in (0, 2, 4)] + [('captions.pickle', pickle.dumps([np.arange(5), np.ones((2, 3), 'i4'), ids, {}], 2)), ('vocabulary.json', (folder/'v.json').read_bytes())]
    def read(self, p): (Vocab.from_json if p.suffix == '.json' else Vocab.from_pickle)(p)
    def traps(self):
        again = b'](cnumpy.core.numeric\n_frombuffer\nq\1' + array((10**6,), text(10**6), b'')[:-1] + b'q\2R' + b'h\1h\2R'*10_000 + b'e.'
        for data in (b']'*4_000_000*many, b'\x8f'*4_000_000, *[x*4_000_000*k for k in range(many)[1:2] for x in (b'(', b'}', b'N\x94', b'N'*9, b'U\2ab', b'J\x11\x11\x11\x11', b'\x8a\2\x11\x11')],
                     array((10**9, 0), text(0)) + b'.', array((10**5,) + (1,)*50, text(10**5)) + b'.', again, b'}N\x85' + b'2\x86'*60 + b'Ns.', b'](' + b']'*100_000 + b'a'*100_000,
                     b'](]]}K\0N\x85' + b'2\x86'*40 + b's}e.', b'\x8b\0\0\0\x7f1', b'X\xff\xff\xff\x7f', b'\x8d' + b'\xff'*7 + b'\x7f', b'\x96' + b'\xff'*7 + b'\x7f', b'c' + b'a'*10**7 + b'\nb\n', b'N'*41_000_000,
                     pickle.dumps([[], [], {0: '<end>', 1: 10**20_000}, {}]), pickle.dumps([[], [], {10**20_000: 1}, {}]), b'cos\nsystem\n(S"touch bad"\ntR.', b'cbuiltins\nexec\n(S"open(\'bad\', \'w\')"\ntR.'): yield 'captions.pickle', data
        for data in (b'['*10**7, b'{"words":[' + b'[],'*5_000_000, b'{"words":[' + b'"ab",'*3_100_000, b'{"words":' + b'9'*10**6, b' '*17_000_000): yield 'vocabulary.json', data

class Folder:
    names = ['config.json', 'model.safetensors', 'damsm.safetensors']
    def good(self):
        p = replace(presets.paperbirds, dim=4, emb=4, hidden=(4, 4), sizes=(8, 16), cond=4, noise=4, T=6); vocab = Vocab.from_captions([' '.join(words)])
        model = TextToImage(p, vocab); model.save_pretrained(folder); self.parts = {f: (folder/f).read_bytes() for f in self.names[:2]}
        save_damsm(new_damsm(replace(p, dim=4), len(vocab)), vocab, p, folder/'damsm.safetensors')
        return [*self.parts.items(), ('config.json', json.dumps(config_of(p, vocab)).encode()), ('model.safetensors', self.parts['model.safetensors'][:6000]), ('damsm.safetensors', (folder/'damsm.safetensors').read_bytes())]
    def read(self, p):
        if p.name == 'damsm.safetensors': return load_damsm(p)
        for f, data in self.parts.items():
            if f != p.name: (p.parent/f).write_bytes(data)
        TextToImage.from_pretrained(p.parent).generate('a red bird with black wings')
    def traps(self):
        c = json.loads(self.parts['config.json'])
        for entry in (dict(dim=10**9), dict(dim=9998, emb=9998), dict(n_res=10**9), dict(n_res=10_000), dict(hidden=[10_000]*7), dict(hidden=[4]*10**6), dict(T=10**12), dict(sizes=[8, 2**40]), dict(sizes=[512, 512, 512]), dict(sizes=[]), dict(noise=10_000, cond=10_000)):
            yield 'config.json', json.dumps(c | dict(preset=c['preset'] | entry)).encode()
        m = self.parts['model.safetensors']
        for size in (2**63, 10**8, 99_999_999, 2**32): yield 'model.safetensors', size.to_bytes(8, 'little') + m[8:]
        header = json.dumps({'x': dict(dtype='F32', shape=[2**20, 2**20], data_offsets=[0, 2**42])}).encode(); yield 'model.safetensors', len(header).to_bytes(8, 'little') + header
        header = b'{' + b','.join(b'"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}' % i for i in range(400_000)) + b'}'; yield 'model.safetensors', len(header).to_bytes(8, 'little') + header

class Captions:
    names = ['captions.txt', 'captions.csv', 'captions.jsonl', 'captions_train2014.json', 'images.txt']
    def good(self):
        for i in range(2): Image.new('RGB', (9, 9)).save(folder/f'{i}.png')
        said = [(f'{i % 2}.png', f'a {c} bird, "tête" {c}') for i, c in enumerate(words)]
        coco = dict(images=[dict(id=i, file_name=f'{i}.png') for i in range(2)], annotations=[dict(id=i, image_id=i % 2, caption=c) for i, (_, c) in enumerate(said)])
        return [('captions.txt', '\n'.join(c for _, c in said).encode()), ('captions.csv', ('image,caption,class\n' + ''.join('{},"{}",{}\n'.format(i, c.replace('"', '""'), i[0]) for i, c in said)).encode()),
                ('captions.jsonl', '\n'.join(json.dumps(dict(image=i, caption=c)) for i, c in said).encode()), ('captions_train2014.json', json.dumps(coco).encode()), ('images.txt', ''.join(f'{i} 1.0 2.5 3 {i}\n' for i in range(9)).encode())]
    def read(self, p):
        if p.name == 'captions.txt': return files.read_captions(p)
        if p.name == 'images.txt': return files.read_rows(p, 5)
        if p.suffix == '.json':
            with files.gathering(files.Faults()) as found: return files.sound(files.coco_official(p.parent, 'train', found), found)
        files.table_items(p, files.Faults()); files.table_items(p)
    def traps(self):
        line = b'a red bird '*10**7
        for name in ('captions.txt', 'captions.csv', 'captions.jsonl', 'captions_train2014.json'): yield name, line; yield name, b'\n'*50_000_000; yield name, b'a\0'*10**6
        yield 'captions.csv', b'image,caption\n' + b'0.png,a bird\n'*20_000*many; yield 'captions.csv', b'image,caption\n' + b'0.png\n'*120_000*many
        for data in (b'image,caption\n0.png,"' + b'a'*10**7, b'image,caption\n' + b','*10**7, b'image,caption\n' + b'0.png,\xff\n'*1000): yield 'captions.csv', data
        for data in (b'['*10**6, b'{"image":' + b'['*10**5, b'[]\n'*10**6, b'9'*10**6): yield 'captions.jsonl', data
        for data in (b'['*10**7, b'[' + b'{},'*20_000_000, b'{"images":[' + b'"ab",'*10**7, b'{"images":[{"id":[],"file_name":3}],"annotations":[]}', b'{"images":[{"id":1,"file_name":"' + b'../'*10**5 + b'x"}],"annotations":[]}'): yield 'captions_train2014.json', data

class HDF5:
    names = ['small.h5']
    def good(self):
        import h5py
        self.h5py, made = h5py, []
        for chunks, packed, old in ((None, None, True), ((1, 8, 8, 3), 'gzip', True), ((2, 8, 8, 3), None, False)):
            with h5py.File(folder/'small.h5', 'w', libver='earliest' if old else 'latest') as f:
                f.create_dataset('input_image', data=np.random.randint(0, 255, (4, 8, 8, 3), 'uint8'), chunks=chunks, compression=packed)
                f['input_description'] = np.array([[b'A red dress. Paper.']]*4); f['input_category'] = np.array([[b'DRESSES']]*4)
                if old: f['input_productID'] = np.arange(4)[:, None]
                else: f.create_dataset('input_msrpUSD', data=['1', 'two', '3', 'four'], dtype=h5py.string_dtype())
            made.append(('small.h5', (folder/'small.h5').read_bytes()))
        return made
    def read(self, p):
        for it in files.fashiongen_split(p, files.FASHION, files.Faults()): files.open_picture(it.image)
    def trap(self, shape, **kwargs):
        with self.h5py.File(folder/'trap.h5', 'w') as f:
            f.create_dataset('input_image', shape, 'uint8', **kwargs)
            for k in ('description', 'category'): f.create_dataset(f'input_{k}', shape[:1], 'S8', chunks=(1,))
        return 'small.h5', (folder/'trap.h5').read_bytes()
    def traps(self):
        yield self.trap((10**12, 8, 8, 3), chunks=(1, 8, 8, 3)); yield self.trap((4, 10**5, 10**5, 3), chunks=(1, 8, 8, 3)); yield self.trap((30_000, 256, 256, 3), chunks=(20_000, 256, 256, 3))
        yield self.trap((5_000_001, 8, 8, 3), chunks=(1, 8, 8, 3)); yield self.trap((10**6, 8, 8, 3), chunks=(1, 8, 8, 3))

class Pictures:
    names = ['picture.jpg']
    def good(self):
        im, made = Image.fromarray(np.random.randint(0, 255, (24, 32, 3), 'uint8')), []
        for kind, mode in (('JPEG', 'RGB'), ('JPEG', 'CMYK'), ('PNG', 'RGB'), ('PNG', 'RGBA'), ('PNG', 'P'), ('GIF', 'P'), ('BMP', 'RGB'), ('WEBP', 'RGB'), ('TIFF', 'RGB'), ('PNG', 'I;16'), ('TIFF', 'L')):
            exif = Image.Exif(); exif[0x0112] = 6; exif[0x010e] = 'a bird'; b = io.BytesIO()
            (Image.fromarray(np.asarray(im.convert('L')).astype('uint16')) if mode == 'I;16' else im.convert(mode)).save(b, kind, **(dict(exif=exif) if kind in ('JPEG', 'WEBP', 'PNG') else {}), **(dict(compression='tiff_lzw') if mode == 'L' else {}))
            made.append(('picture.jpg', b.getvalue()))
        return made
    def read(self, p): assert max(files.open_picture(p).size) <= 40_000_000
    def png(self, w, h, colour, bits=8, data=b''):
        chunk = lambda t, d: struct.pack('>I', len(d)) + t + d + struct.pack('>I', zlib.crc32(t + d))
        return 'picture.jpg', b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', w, h, bits, colour, 0, 0, 0)) + chunk(b'IDAT', data) + chunk(b'IEND', b'')
    def traps(self):
        yield self.png(50_000, 50_000, 2); yield self.png(12_000, 12_000, 2); yield self.png(2**31 - 1, 1, 2); yield self.png(1, 10**6, 0); yield self.png(6300, 6300, 2, data=zlib.compress(b'\0'*6300*(3*6300 + 1)))
        for colour, bits, k in ((6, 8, 4), (0, 16, 2), (6, 16, 8), (4, 16, 4))[:4 if many > 1 else 2]: yield self.png(6300, 6300, colour, bits, zlib.compress(b'\0'*6300*(k*6300 + 1), 1))      # the largest that are let in
        b = io.BytesIO(); Image.new('RGB', (50, 50)).save(b, 'EPS'); yield 'picture.jpg', b.getvalue()
        if many == 1: return
        b = io.BytesIO(); Image.new('L', (6300, 6300)).save(b, 'TIFF'); yield 'picture.jpg', b.getvalue(); b = io.BytesIO(); Image.new('I', (6300, 6300)).save(b, 'TIFF'); yield 'picture.jpg', b.getvalue()

made = dict(vocabulary=Pickles, folder=Folder, captions=Captions, hdf5=HDF5, image=Pictures)[kind](); good = made.good()
inside = folder/'inside'; inside.mkdir(exist_ok=True); os.chdir(folder/'empty')
for f in folder.glob('*.png'): (inside/f.name).write_bytes(f.read_bytes())
said = dict(read=0, refused=0, bad=[])

def attempt(i, name, data):
    (folder/'now').write_text(str(i)); (inside/name).write_bytes(data); signal.alarm(120); before = set(inside.iterdir())
    try: made.read(inside/name); said['read'] += 1
    except CaptionError: said['read'] += 1
    except (ValueError, FileNotFoundError) as e:
        said['refused'] += 1
        if str(inside) not in str(e) or re.search('MemoryError|allocate', str(e)) or len(str(e)) > 10**5: said['bad'].append([i, f'{type(e).__name__}: {str(e)[:300]}'])
    except BaseException as e: said['bad'].append([i, f'{type(e).__name__}: {str(e)[:300]}'])
    signal.alarm(0)
    if set(Path().iterdir()) or set(inside.iterdir()) - before - {inside/n for n in made.names}: said['bad'].append([i, 'something was written'])

for name, data in good[:2]: attempt(-1, name, data)
assert said['read'] == 2, said
used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/1024                              # MB, at most until now
said['read'] = 0; before = used()                                                                   # PyTorch and all that
def case(i): rng = random.Random(f'{kind} {i}'); return mutated(good[i % len(good)][1], rng, rng.choice(good)[1])
for i in range(start, n): attempt(i, good[i % len(good)][0], case(i))
if kind == 'hdf5' and n <= 3847: attempt(-3, 'small.h5', case(3847))                                # takes 5 GB if nothing is done about it
after = used()
for i, (name, data) in enumerate(made.traps(), n): attempt(i, name, data)
said.update(traps=i + 1 - n, accidents_MB=round(after - before), traps_MB=round(used() - after))
(folder/'said').write_text(json.dumps(said))
'''

def fuzz(tmp, kind, n):
    "What the child says of `n` accidents and of the traps after them. A case that kills it is written down, and another child goes on after it."
    (tmp/'child.py').write_text(CHILD); (tmp/'empty').mkdir(); start, killed = 0, []
    while len(killed) < 30:
        done = subprocess.run([sys.executable, '-W', 'ignore', tmp/'child.py', kind, str(start), str(n), tmp], capture_output=True, text=True)
        if done.returncode > 0: raise AssertionError(done.stderr[-3000:])
        if not done.returncode: break
        start = int((tmp/'now').read_text()) + 1; killed.append([start - 1, f'killed by signal {-done.returncode}'])
        if start > n: break                                                                             # by a trap
    said = json.loads((tmp/'said').read_text()) if (tmp/'said').exists() else dict(bad=[])
    return {**said, 'bad': killed + said['bad']}

@pytest.mark.skipif(sys.platform != 'linux', reason='memory in kilobytes, alarms')
@pytest.mark.parametrize('kind', ['vocabulary', 'folder', 'captions', 'hdf5', 'image'])
def test_fuzz(kind, tmp_path):
    said = fuzz(tmp_path, kind, CASES); print(kind, said)
    assert not said['bad'], said
    assert said['read'] > CASES/100 and said['refused'] > CASES/20 + 4 and said['read'] + said['refused'] >= CASES + said['traps'], said
    assert said['accidents_MB'] < 1024 and said['traps_MB'] < 1024, said                                # more than PyTorch, h5py and all that take themselves
