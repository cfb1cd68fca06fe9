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
