"""Damaged and hostile files: each is read, or refused with an error that names it.

Nothing crashes, hangs, writes, or takes more than 1 GiB. 500 damaged files of each kind;
`ATTNGAN_FUZZ=10000 pytest tests/test_fuzz.py` for as many as that. Each kind is read by a process
of its own (fuzz_child.py), so that a crash is seen and counted.
"""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CASES = int(os.environ.get('ATTNGAN_FUZZ') or 500)
CHILD = Path(__file__).with_name('fuzz_child.py')


def fuzz(folder, kind, n):
    "What the child says of `n` accidents and of the traps after them."
    (folder/'empty').mkdir()
    start = 0
    killed = []
    while len(killed) < 30:
        command = [sys.executable, '-W', 'ignore', CHILD, kind, str(start), str(n), folder]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode > 0:
            raise AssertionError(done.stderr[-3000:])
        if done.returncode == 0:
            break
        last = int((folder/'now').read_text())                        # the file that killed it
        killed.append([last, f'killed by signal {-done.returncode}'])
        start = last + 1
        if start > n:                                                 # it was a trap
            break
    said = dict(bad=[])
    if (folder/'said').exists():
        said = json.loads((folder/'said').read_text())
    return {**said, 'bad': killed + said['bad']}


@pytest.mark.skipif(sys.platform != 'linux', reason='memory in kilobytes, alarms')
@pytest.mark.parametrize('kind', ['vocabulary', 'folder', 'captions', 'hdf5', 'image'])
def test_fuzz(kind, tmp_path):
    said = fuzz(tmp_path, kind, CASES)
    print(kind, said)
    assert not said['bad'], said
    assert said['read'] > CASES/100
    assert said['refused'] > CASES/20 + 4
    assert said['read'] + said['refused'] >= CASES + said['traps']
    # beyond what PyTorch and h5py take themselves
    assert said['accidents_MB'] < 1024, said
    assert said['traps_MB'] < 1024, said
