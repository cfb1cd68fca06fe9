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

def killed(kind, sig=signal.SIGKILL, code=-9, times=None):
    took, expected = whole(kind); moments, seen = random.Random(f'{kind}{sig}'), []
    while len(seen) < (times or kills):
        assert took > .1, 'it never ends as it should'
        folder = base/f'{kind}{sig}-{time.monotonic()}'; when = moments.random()*took; (base/'log').write_text(''); pid = child(base/'none.json', kind, folder, False); time.sleep(when); os.kill(pid, sig)
        if wait(pid) != code: took *= .9; continue                    # it was faster
        seen += [[round(when, 2), files := [f.stem for f in checkpoints(folder)], len(list(folder.glob('.*')))]]
        if sig == signal.SIGINT and files and files[-1] < '00000014': assert 'stopping after this batch' in (base/'log').read_text()    # (14 is the last before the end)
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

base, kills = Path(sys.argv[1]), int(sys.argv[2]); data(); signal.signal(signal.SIGINT, signal.default_int_handler)     # whoever started this may ignore it
checks = dict(killed_damsm=lambda: killed('damsm'), killed_gan=lambda: killed('gan'), interrupted=lambda: killed('gan', signal.SIGINT, 130, 2), while_writing=lambda: while_writing('damsm'), full_disk=lambda: full_disk('gan'), workers=lambda: workers('damsm'))
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

# --- several processes -----------------------------------------------------------------------------------------------------------------------------

SHARED = TRAIN + '''
from fastai.callback.core import Callback
folder, mine, name, waits = Path(sys.argv[1]), int(os.environ['RANK']), sys.argv[2], float(sys.argv[3])
class Here(Callback):
    "Says where it is, and gives time to be killed."
    def after_batch(self):
        if self.training: (folder/f'{mine}.at').write_text(f'{os.getpid()} {self.train_iter}'); time.sleep(waits)
with first_alone(): data(4)
found = train('gan', folder/name, True, bs=4, cbs=[Here()])
(folder/f'{name}.{mine}.json').write_text(json.dumps(found))
'''

def processes(d, name, waits=0., torchrun=True):
    "Two of them, by torchrun or by hand."
    (d/'script.py').write_text(SHARED); args = [str(d/'script.py'), str(d), name, str(waits)]; kwargs = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if torchrun: return [subprocess.Popen([sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', '2', *args], env=ENV, **kwargs)]
    import socket
    with socket.socket() as s: s.bind(('', 0)); port = str(s.getsockname()[1])
    return [subprocess.Popen([sys.executable, *args], env={**ENV, 'RANK': str(r), 'LOCAL_RANK': str(r), 'WORLD_SIZE': '2', 'MASTER_ADDR': '127.0.0.1', 'MASTER_PORT': port}, **kwargs) for r in range(2)]

def kill_one(d, victim, batch, running):
    "Kill process `victim` when it has finished `batch` batches → seconds until all have ended, and what they said."
    at = d/f'{victim}.at'; at.unlink(missing_ok=True); end = time.monotonic() + 120
    while time.monotonic() < end and not (at.exists() and len(said := at.read_text().split()) == 2 and int(said[1]) >= batch): time.sleep(.01)
    start = time.monotonic(); os.kill(int(said[0]), signal.SIGKILL)
    said = ''.join(p.communicate(timeout=60)[0] for p in running)
    assert any(p.returncode for p in running)
    return time.monotonic() - start, said

WAYS = [(1, True)] + ([(0, True), (1, False), (0, False)] if 'ATTNGAN_KILLS' in os.environ else [])

def test_one_of_two_is_killed(tmp_path):
    "The other ends within 30 seconds, and says why; both go on, and end with the weights of two that nobody killed."
    p, = processes(tmp_path, 'whole'); said = p.communicate(timeout=240)[0]; assert p.returncode == 0, said[-3000:]
    for victim, torchrun in WAYS:
        name = f'killed{victim}{torchrun}'; took, said = kill_one(tmp_path, victim, 7, processes(tmp_path, name, .2, torchrun))
        print(f'process {victim}, {"torchrun" if torchrun else "by hand"}: {took:.1f} s; ' + next(l for l in said.splitlines() if re.search('Signal 9|Connection closed|reset by peer|Broken pipe', l)).strip())
        assert took < 30
        p, = processes(tmp_path, name); said = p.communicate(timeout=240)[0]; assert p.returncode == 0, said[-3000:]
        for r in range(2): assert json.loads((tmp_path/f'{name}.{r}.json').read_text()) == json.loads((tmp_path/f'whole.{r}.json').read_text()), r

# --- a notebook ------------------------------------------------------------------------------------------------------------------------------------

def test_interrupted_in_a_notebook(tmp_path):
    "The interrupt button of a real kernel: the batch ends, a file is written, the cell ends with KeyboardInterrupt, and the next cell runs."
    from jupyter_client.manager import start_new_kernel
    manager, client = start_new_kernel(kernel_name='python3', env=ENV, startup_timeout=120)
    try:
        slow = "class Slow(resuming.Callback):\n    def after_pred(self):\n        if self.training and self.train_iter == 6: print('now', flush=True); time.sleep(3)\n"
        client.execute(TRAIN + slow + f"train('damsm', {str(tmp_path)!r}, False, cbs=[Slow()])", stop_on_error=False); error = None
        while error is None:
            m = client.get_iopub_msg(timeout=120)
            if m['msg_type'] == 'stream' and 'now' in m['content']['text'].split(): manager.interrupt_kernel()
            if m['msg_type'] == 'error': error = m['content']['ename'], m['content']['evalue']
            if m['msg_type'] == 'status' and m['content']['execution_state'] == 'idle' and m['parent_header'].get('msg_type') == 'execute_request': error = error or 'none'
        assert error[0] == 'KeyboardInterrupt' and 'goes on from' in error[1], error
        said = client.execute_interactive(f"assert [f.stem for f in checkpoints({str(tmp_path)!r})][-1] == '00000007'; train('damsm', {str(tmp_path)!r}, True); signal.getsignal(signal.SIGINT)", timeout=120, output_hook=lambda m: None)
        assert said['content']['status'] == 'ok', said['content']
    finally: client.stop_channels(); manager.shutdown_kernel(now=True)

# --- a long run ------------------------------------------------------------------------------------------------------------------------------------

LONG = '''
import gc, json, os, resource, sys, time
from dataclasses import replace
from pathlib import Path
from fastai.callback.core import Callback
from attngan import presets
from attngan.damsm_training import TimeLimit, damsm_learner
from attngan.data import ImageCaptionDataLoaders
from attngan.metrics import Obeys
from attngan.resuming import Checkpoint, Watch, log_to
from attngan.training import attngan_learner

folder, minutes = Path(sys.argv[1]), float(sys.argv[2]); log_to(folder/'logs'/'train.log', size=1000, keep=2)
recipe = replace(presets.paperbirds, grow=(0., 0., 0.))               # all stages from the start: no growth that is meant
def kib(what): return next(int(l.split()[1]) for l in open('/proc/self/status') if l.startswith(what))

class Limit(Callback):
    "What is in use after ten epochs is the start; from then on a fifth more is all there is."
    order = 90
    def __init__(self, start=200): self.batch = start                   # by then the matrix library has met every size, and written its program for it
    def before_fit(self): self.seen, self.start, self.last = [], None, 0.
    def after_batch(self):
        if not self.training: return
        if self.train_iter == self.batch:
            gc.collect(); self.start, self.handles = kib('VmHWM'), len(os.listdir('/proc/self/fd'))
            resource.setrlimit(resource.RLIMIT_AS, (int(1024*(kib('VmPeak') + .2*self.start)), resource.RLIM_INFINITY))
        if self.start and time.monotonic() - self.last > 1: self.seen.append(kib('VmRSS')); self.last = time.monotonic()
    def after_fit(self):
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,)*2); gc.collect(); k = len(self.seen)//4
        said[type(self.learn).__name__] = dict(batches=self.train_iter, start=self.start, peak=kib('VmHWM'), early=sum(self.seen[:k])/k, late=sum(self.seen[-k:])/k, handles=[self.handles, len(os.listdir('/proc/self/fd'))])

def cbs(name, minutes): return [TimeLimit(minutes), Checkpoint(folder/name, minutes=.05), Watch(), Limit()]
said, dls = {}, ImageCaptionDataLoaders.from_paperbirds(n=640, n_valid=100, preset=recipe)
damsm = damsm_learner(ImageCaptionDataLoaders.from_paperbirds(n=640, n_valid=100, preset=recipe, bs=32), weights=None)
with damsm.no_bar(), damsm.no_logging(): damsm.fit_flat_cos(10**6, cbs=cbs('damsm', minutes/4))
open('/proc/self/clear_refs', 'w').write('5')                         # the next one has a peak of its own
learn = attngan_learner(dls, damsm); learn.metrics = [*learn.metrics, Obeys(20)]
with learn.no_bar(), learn.no_logging(): learn.fit_flat_cos(10**6, cbs=cbs('gan', minutes*3/4))
said['logs'] = {f.name: f.stat().st_size for f in (folder/'logs').iterdir()}; said['checkpoints'] = [len(list((folder/k).iterdir())) for k in ('damsm', 'gan')]
(folder/'said.json').write_text(json.dumps(said))
'''

@pytest.mark.skipif(not MINUTES, reason='ATTNGAN_MINUTES=40 trains paper birds for forty minutes')
def test_a_long_run(tmp_path):
    "No growth under a memory limit 20 % above the start, no handle left open, logs and checkpoints as many as asked for."
    (tmp_path/'script.py').write_text(LONG)
    done = subprocess.run([sys.executable, tmp_path/'script.py', tmp_path, str(MINUTES)], env=ENV, capture_output=True, text=True); assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads((tmp_path/'said.json').read_text()); print(said)
    for name in ('DAMSMLearner', 'AttnGANLearner'):
        x = said[name]; print(f"{name}: {x['batches']} batches, peak {x['peak']/x['start']:.3f} of the start's {x['start']/1024:.0f} MiB, late/early {x['late']/x['early']:.3f}")
        assert x['peak'] <= 1.2*x['start'] and x['late'] <= 1.05*x['early'] and x['handles'][1] <= x['handles'][0], x
    assert sorted(said['logs']) == ['train.log', 'train.log.1', 'train.log.2'] and max(said['logs'].values()) <= 1000 and said['checkpoints'] == [3, 3]
