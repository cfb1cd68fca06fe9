"What a notebook can't test of the data: worker processes that start from nothing, memory, and a machine without h5py."
import subprocess, sys
import pytest

def python(script, *args): return subprocess.run([sys.executable, '-W', 'ignore', script, *map(str, args)], capture_output=True, text=True)

SPAWN = '''
import sys, torch
from attngan.data import ImageCaptionDataLoaders
from attngan.files import stand_in_fashiongen
if __name__ == '__main__':
    torch.multiprocessing.set_start_method('spawn')
    folder = stand_in_fashiongen(sys.argv[1], n=12, size=64)
    alone, two = (ImageCaptionDataLoaders.from_fashiongen(folder, bs=2, num_workers=n, device='cpu') for n in (0, 2))
    for (a, i, *_), (b, j, *_) in zip(alone.valid, two.valid, strict=True): assert torch.equal(a[-1], b[-1]) and torch.equal(i, j) and a.keys == b.keys
    print('fine')
'''

def test_workers_that_start_from_nothing(tmp_path):
    "As on macOS and Windows: nothing is inherited, everything is pickled."
    (tmp_path/'script.py').write_text(SPAWN)
    done = python(tmp_path/'script.py', tmp_path)
    assert done.returncode == 0 and done.stdout.endswith('fine\n'), done.stderr[-2000:]

MEMORY = '''
import resource, sys
import h5py, numpy as np
from attngan.data import ImageCaptionDataLoaders
n = 6000
for split in ('train', 'validation'):
    with h5py.File(f'{sys.argv[1]}/fashiongen_256_256_{split}.h5', 'w') as f:
        f.create_dataset('input_image', (n, 256, 256, 3), 'uint8')
        f['input_description'] = np.array([[b'A red dress. Made of paper.']]*n); f['input_category'] = np.array([[b'DRESSES']]*n)
used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/1024
before = used(); dls = ImageCaptionDataLoaders.from_fashiongen(sys.argv[1], bs=8); batch = dls.one_batch()
print(used() - before)
'''

@pytest.mark.skipif(sys.platform != 'linux', reason='a file with holes, and memory in kilobytes')
def test_pictures_stay_in_the_file(tmp_path):
    "Two files of 1.2 GB (of nothing, which takes no space); one batch of them takes a hundredth of that."
    (tmp_path/'script.py').write_text(MEMORY)
    done = python(tmp_path/'script.py', tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert float(done.stdout) < 200, f'{done.stdout} MB'

def test_without_h5py(tmp_path, monkeypatch):
    from attngan.files import fashiongen_items
    monkeypatch.setitem(sys.modules, 'h5py', None)
    with pytest.raises(ImportError, match=r"pip install 'attngan\[fashiongen\]'"): fashiongen_items(tmp_path)

def test_other_data_needs_no_h5py(tmp_path):
    (tmp_path/'script.py').write_text("import sys; sys.modules['h5py'] = None\nfrom attngan.data import ImageCaptionDataLoaders as D; D.from_paperbirds(n=8, n_valid=4, bs=4).one_batch()")
    done = python(tmp_path/'script.py'); assert done.returncode == 0, done.stderr[-2000:]

def test_extras_are_read_from_settings():
    from configparser import ConfigParser
    from pathlib import Path
    ini = ConfigParser(delimiters=['=']); ini.read(Path(__file__).parent.parent/'settings.ini', encoding='utf-8')
    assert 'fashiongen=h5py' in ini['DEFAULT']['extras'].split('\n') and 'h5py' in ini['DEFAULT']['dev_requirements'].split()

SEEDS = '''
import random, sys
from dataclasses import replace
from pathlib import Path
import torch
from attngan import presets
from attngan.damsm_training import damsm_learner
from attngan.data import ImageCaptionDataLoaders
from attngan.files import stand_in_cub
from attngan.inference import TextToImage
from attngan.training import attngan_learner
tiny = replace(presets.paperbirds, dim=16, emb=16, hidden=(4, 4, 4), cond=8, noise=8, d_width=(4, 4, 4), d_most=8, d_project=8, d_hidden=8, bs=4, T=6)
folder = stand_in_cub(sys.argv[1], n=13, size=32)
def fit(learn):
    learn.metrics = []
    with learn.no_bar(), learn.no_logging(): learn.fit(2)
def run(workers):
    "Two epochs of the DAMSM and two of the GAN; all weights, and a picture."
    random.seed(3); torch.manual_seed(3)
    dls = ImageCaptionDataLoaders.from_cub(folder, preset=tiny, num_workers=workers, device='cpu')
    learn = damsm_learner(dls); fit(learn)
    learn = attngan_learner(dls, learn); fit(learn)                                   # its model contains the DAMSM
    return learn.model.state_dict(), TextToImage.from_learner(learn).generate('a red bird', seed=0).images[0]
(weights, drawn), *others = [run(n) for n in (0, 1, 2)]
assert any(k.startswith('damsm') for k in weights) and len(weights) > 100
for other, picture in others:
    assert picture.tobytes() == drawn.tobytes()
    for k, v in weights.items(): assert torch.equal(v, other[k]), k
print('fine')
'''

def test_workers_change_nothing(tmp_path):
    "The same seed gives the same weights, bit for bit, and the same picture, with no worker, one and two."
    (tmp_path/'script.py').write_text(SEEDS)
    done = python(tmp_path/'script.py', tmp_path)
    assert done.returncode == 0 and done.stdout.endswith('fine\n'), done.stderr[-2000:]
