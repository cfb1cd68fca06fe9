"""Killed, interrupted, out of space: a training that goes on ends as if nothing had happened. Real processes, real signals.
ATTNGAN_KILLS=10 kills the DAMSM and the GAN ten times each; ATTNGAN_MINUTES=40 trains so long under a memory limit."""
import json, os, random, re, signal, subprocess, sys, time
from pathlib import Path
import pytest

KILLS, MINUTES = int(os.environ.get('ATTNGAN_KILLS', 3)), float(os.environ.get('ATTNGAN_MINUTES', 0))
ENV = {**os.environ, 'MPLBACKEND': 'agg', 'OMP_NUM_THREADS': '1', 'PYTHONWARNINGS': 'ignore'}

# A tiny DAMSM and a tiny GAN: three epochs of five batches, with dropout, on the CPU in float32.
TRAIN = '''
import hashlib, json, logging, os, random, resource, signal, sys, time, traceback
from dataclasses import replace
from functools import cache
from pathlib import Path
import torch
from attngan import presets, resuming
from attngan.damsm_training import damsm_learner, new_damsm
from attngan.data import ImageCaptionDataLoaders
from attngan.distributed import first_alone
from attngan.resuming import Checkpoint, Watch, checkpoints, read_state
from attngan.training import attngan_learner

tiny = replace(presets.paperbirds, dim=16, emb=16, hidden=(4, 4, 4), cond=8, noise=8, d_width=(4, 4, 4), d_most=8, d_project=8, d_hidden=8, bs=8, damsm_bs=8, dropout=.3)
def data(bs=8, **kwargs): return ImageCaptionDataLoaders.from_paperbirds(n=45, n_valid=19, preset=tiny, bs=bs, device='cpu', **kwargs)

def train(kind, folder, resume, bs=8, cbs=(), **kwargs):
    "→ weights, table, losses, rates, and what the dice say next"
    random.seed(1); torch.manual_seed(1); dls = data(bs, **kwargs); damsm = new_damsm(tiny, len(dls.vocab))
    learn = damsm_learner(dls, damsm, bf16=False) if kind == 'damsm' else attngan_learner(dls, damsm, bf16=False)
    if kind == 'damsm': learn.metrics[0].pool = 10
    with learn.distrib_ctx(), learn.no_bar(), learn.no_logging(): learn.fit_flat_cos(3, cbs=[Checkpoint(folder, batches=2, resume=resume), Watch(), *cbs])
    weights = hashlib.sha256(b''.join(x.detach().contiguous().numpy().tobytes() for x in learn.model.state_dict().values())).hexdigest()
    table = [[None if x is None else float(x) for x in row] for row in learn.recorder.values]
    return [weights, table, list(map(float, learn.recorder.losses)), list(map(float, learn.recorder.hps['lr'])), random.random(), torch.rand(1).item()]
'''

KILL = TRAIN + '''
# Python and torch are loaded once; each training is a fork of that.
def child(result, *args, before=lambda: None, **kwargs):
    if pid := os.fork(): return pid
    logging.getLogger('attngan').addHandler(logging.FileHandler(base/'log'))
    try: before(); result.write_text(json.dumps(train(*args, **kwargs))); os._exit(0)
    except KeyboardInterrupt: os._exit(130)
    except BaseException: (base/'error').write_text(traceback.format_exc()); os._exit(1)

def wait(pid): return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

@cache
def whole(kind):
    start = time.monotonic(); assert wait(child(base/f'{kind}.json', kind, base/kind, False)) == 0, (base/'error').read_text()
    return time.monotonic() - start, json.loads((base/f'{kind}.json').read_text())

def goes_on(kind, folder, expected, **kwargs):
    for f in checkpoints(folder): read_state(f)                       # nothing half written under a name that counts
    found = base/'found.json'; assert wait(child(found, kind, folder, True, **kwargs)) == 0, (base/'error').read_text()
    assert json.loads(found.read_text()) == expected
    assert not list(folder.glob('.*')), 'temporary files are left'

def killed(kind, sig=signal.SIGKILL, code=-9):
    took, expected = whole(kind); moments, seen = random.Random(f'{kind}{sig}'), []
    while len(seen) < kills:
        folder = base/f'{kind}{sig}-{time.monotonic()}'; when = moments.random()*took; pid = child(base/'none.json', kind, folder, False); time.sleep(when); os.kill(pid, sig)
        if wait(pid) != code: took *= .9; continue                    # it was faster
        seen += [[round(when, 2), [f.stem for f in checkpoints(folder)], len(list(folder.glob('.*')))]]
        goes_on(kind, folder, expected)
    return dict(seconds=took, seen=seen)

def while_writing(kind):
    "Dead before the file is on the disk, before it has its name, and after; each time in the third checkpoint."
    expected, seen = whole(kind)[1], []
    for name, count, late in (('fsync', 5, False), ('replace', 3, False), ('replace', 3, True)):
        def before():
            plain, left = getattr(os, name), [count]
            def deadly(*args):
                left[0] -= 1
                if late: plain(*args)
                if not left[0]: os.kill(os.getpid(), signal.SIGKILL)
                return late or plain(*args)
            setattr(os, name, deadly)
        folder = base/f'writing-{name}{late}'; assert wait(child(base/'none.json', kind, folder, False, before=before)) == -9
        seen += [[[f.stem for f in checkpoints(folder)], len(list(folder.glob('.*')))]]; goes_on(kind, folder, expected)
    assert seen == [[['00000002', '00000004'], 1], [['00000002', '00000004'], 1], [['00000002', '00000004', '00000006'], 0]], seen
    return seen

def full_disk(kind):
    "From the third checkpoint on no file may be longer than 50,000 bytes: said in the log, the two before stay, training goes on; with room again all is as ever."
    expected, plain, count = whole(kind)[1], resuming.write_state, [0]
    def before():
        def limited(path, state):
            count[0] += 1
            if count[0] == 3: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY))
            plain(path, state)
        resuming.write_state = limited
    folder, said = base/'full', base/'log'; said.write_text('')
    assert wait(child(base/'full.json', kind, folder, False, before=before)) == 0, (base/'error').read_text()
    assert [f.stem for f in checkpoints(folder)] == ['00000002', '00000004'] and not list(folder.glob('.*'))
    assert said.read_text().count('could not be written ([Errno 27] File too large). Training goes on') >= 5, said.read_text()
    assert json.loads((base/'full.json').read_text()) == expected
    goes_on(kind, folder, expected)
    return 0

def workers(kind):
    "Pictures that two processes load."
    expected = base/'workers.json'; assert wait(child(expected, kind, base/'workers', False, num_workers=2)) == 0, (base/'error').read_text()
    def before(): # dead in the second epoch
        plain, left = os.replace, [4]
        def deadly(*args):
            plain(*args); left[0] -= 1
            if not left[0]: os.kill(os.getpid(), signal.SIGKILL)
        os.replace = deadly
    folder = base/'workers-killed'; assert wait(child(base/'none.json', kind, folder, False, before=before, num_workers=2)) == -9
    goes_on(kind, folder, json.loads(expected.read_text()), num_workers=2)
    return 0

base, kills = Path(sys.argv[1]), int(sys.argv[2]); data()
checks = dict(killed_damsm=lambda: killed('damsm'), killed_gan=lambda: killed('gan'), interrupted=lambda: killed('gan', signal.SIGINT, 130), while_writing=lambda: while_writing('damsm'), full_disk=lambda: full_disk('gan'), workers=lambda: workers('damsm'))
said = {}
for name, check in checks.items():
    try: said[name] = check()
    except Exception: said[name] = traceback.format_exc()
(base/'said.json').write_text(json.dumps(said)); print(json.dumps(said))
'''

@pytest.fixture(scope='module')
def said(tmp_path_factory):
    d = tmp_path_factory.mktemp('killed'); (d/'script.py').write_text(KILL)
    done = subprocess.run([sys.executable, d/'script.py', d, str(KILLS)], env=ENV, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((d/'said.json').read_text())

@pytest.mark.parametrize('check', 'killed_damsm killed_gan interrupted while_writing full_disk workers'.split())
def test_goes_on(said, check): print(said[check]); assert not isinstance(said[check], str), said[check]
