"Two and three processes against one: the same losses and gradients, each picture once, one writer, one end. Real processes, started by torchrun, that talk through gloo on the CPU."
import json, os, subprocess, sys
from pathlib import Path
import pytest

def torchrun(n, *command, timeout=240, **env):
    "Run a script in `n` processes. After `timeout` seconds torchrun is told to end, and ends them."
    p = subprocess.Popen([sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', str(n), *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True, env={**os.environ, 'MPLBACKEND': 'agg', 'OMP_NUM_THREADS': '1', 'PYTHONWARNINGS': 'ignore', **env})
    try: out, err = p.communicate(timeout=timeout)
    except subprocess.TimeoutExpired: p.terminate(); out, err = p.communicate()
    return subprocess.CompletedProcess(p.args, p.returncode, out, err)

# What every process does. Before they meet, each computes alone what one process makes of the whole batch; together they compute it in shares, and compare.
# BatchNorm takes its stored statistics here: its means of a batch are those of one's own share, as SyncBatchNorm, which would take those of the whole, exists on GPUs only.
# Dice are fair, but the same in both worlds: each throw is made for the whole batch, and a share gets its rows of it.
SCRIPT = '''
import io, json, random, sys, traceback
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from pathlib import Path
import torch
from torch import nn
from fastai.callback.core import Callback
from fastai.callback.progress import CSVLogger
from fastai.callback.tracker import SaveModelCallback
from attngan import presets
from attngan.damsm_training import TimeLimit, attribute_learner, damsm_learner, new_damsm
from attngan.data import ImageCaptionDataLoaders
from attngan.distributed import *
from attngan.distributed import DistributedTraining
from attngan.training import attngan_learner

folder, W, B = Path(sys.argv[1]), int(sys.argv[2]), 12
plain = torch.Tensor.float; torch.Tensor.float = lambda x: x if x.dtype == torch.float64 else plain(x)    # losses "in float32 at least": here in float64
tiny = replace(presets.paperbirds, dim=16, emb=16, hidden=(4, 4, 4), cond=8, noise=8, d_width=(4, 4, 4), d_most=8, d_project=8, d_hidden=8, bs=B, damsm_bs=B)

@contextmanager
def dice(items):
    "Random tensors for `items` items are one's own rows of what the whole batch gets."
    throws, kept = iter(range(10**6)), {k: getattr(torch, k) for k in ('rand', 'randn', 'rand_like', 'randn_like')}
    def throw(kind, shape, like):
        whole = (B, *shape[1:]) if shape[0] == items else shape
        x = kept[kind](*whole, generator=torch.Generator().manual_seed(next(throws)), dtype=like)
        return own(x) if shape[0] == items else x
    for k in ('rand', 'randn'):
        setattr(torch, k, lambda *s, k=k, device=None: throw(k, s, torch.float64))
        setattr(torch, k + '_like', lambda x, k=k: throw(k, x.shape, x.dtype))
    try: yield
    finally: [setattr(torch, k, f) for k, f in kept.items()]

class Keep(Callback):
    "The gradients of every backward, as the optimiser gets them."
    def before_fit(self): self.grads = []
    def after_backward(self): self.grads += [p.grad.clone() for p in self.model.parameters() if p.grad is not None]

def one_step(learn, batch, share=False):
    "Losses and gradients of one batch; of the own share of it, if `share`."
    random.seed(0); learn.create_opt(); learn.add_cb(keep := Keep()); learn.training, learn.train_iter, learn.pct_train = True, 0, 1.
    keep.before_fit(); learn.model.train()
    for m in learn.model.modules():
        if isinstance(m, nn.modules.batchnorm._BatchNorm): m.eval()
    if share: learn.add_cb(DistributedTraining()); batch = [[own(x) for x in b] if isinstance(b, list) else own(b) for b in batch]
    learn.xb, learn.yb = batch[:3], batch[3:]
    with dice(len(batch[1])): learn._do_one_batch()
    return [learn.loss.detach(), *learn.terms.values(), *keep.grads]

def same(build, batch):
    alone = one_step(build(), batch)
    with together(): shared = one_step(build(), batch, share=True)
    assert len(alone) == len(shared) > 20 and any(g.abs().max() > .01 for g in alone[6:])
    worst = max((a - b).abs().max().item() for a, b in zip(alone, shared)); assert worst < 1e-6, worst
    return worst

def damsm_of(group=None, classes=True, **kwargs):
    torch.manual_seed(1); damsm = new_damsm(replace(tiny, group=group, **kwargs), len(dls.vocab)).double()
    return damsm

def check_damsm(group, classes=True):
    def build():
        learn = damsm_learner(dls, damsm_of(group), bf16=False); learn.metrics = []
        return learn
    def without(learn): learn.model.loss = lambda *a: type(learn.model).loss(learn.model, *a[:5]); return learn
    return same(build if classes else lambda: without(build()), batch)

def check_gan(**kwargs):
    def build():
        learn = attngan_learner(dls, damsm_of(), bf16=False); learn.dls.preset = replace(tiny, **kwargs)
        torch.manual_seed(2); learn.model = type(learn.model)(learn.dls.preset, learn.model.damsm).double(); learn.metrics = []
        for head in learn.model.generator.g: nn.init.normal_(head.weight, std=.5)                          # larger pictures are not only enlarged
        return learn
    try: return same(build, batch)
    finally: dls.preset = tiny

def check_shares():
    "45 pictures in batches of 12: 36 to train on, each once; to validate, all of them, each at its place."
    with damsm_learner(dls, damsm_of(), bf16=False).distrib_ctx() as learn:
        for dl in learn.dls.loaders: dl.rng = random.Random(rank())                                        # each would shuffle in its own way
        train, valid, length = learn.dls.train.get_idxs(), learn.dls.valid.get_idxs(), len(learn.dls.train)
        parts = [torch.tensor(x)[:, None].reshape(-1, 1) for x in (train, valid)]
        everyone = gather(parts[0]).flatten().tolist()
        pieces = torch.cat([gather(p) for p in parts[1].split(B//W)]).flatten().tolist()
    assert length == 3 and len(train) == 36//W and len(set(everyone)) == len(everyone) == 36
    assert pieces[:19] == list(range(19)) and len(pieces) < 19 + W
    return 0

def check_fit():
    "Each Learner for two epochs: equal networks, own noise, one table, one writer. Returns how many rows of tables it printed."
    noise, printed = [], io.StringIO()                                                                     # each keeps what it prints: in a common pipe lines of several get mixed
    class Watch(Callback):
        def after_batch(self):
            if hasattr(self.learn, 'noise'): noise.append(self.learn.noise[0].clone())
    mine = int(os.environ['RANK']); random.seed(mine); torch.manual_seed(mine)                              # strangers: weights differ before they meet
    eyes = attribute_learner(dls, damsm_of().to(torch.float32).image_encoder); eyes.dls = type(eyes.dls)(*[d.new(bs=B//W) for d in eyes.dls.loaders], device='cpu')
    damsm = damsm_learner(dls, new_damsm(tiny, len(dls.vocab)))
    for learn in (lambda: eyes, lambda: damsm, lambda: attngan_learner(dls, damsm)):
        learn = learn(); learn.path = folder/type(learn).__name__; learn.path.mkdir(exist_ok=True)
        torch.manual_seed(5); random.seed(5)                                                               # noise is their own even if their seeds are the same
        with redirect_stdout(printed), learn.distrib_ctx(), learn.no_bar(): learn.fit(2, cbs=[CSVLogger(f'history{mine}.csv'), *([SaveModelCallback()] if learn is damsm else []), Watch()])
        weights = torch.cat([x.detach().double().flatten() for x in learn.model.state_dict().values()])
        with together(): everywhere = gather(weights[None])
        assert torch.equal(everywhere.amin(0), everywhere.amax(0)), learn
        written = [len((learn.path/f'history{r}.csv').read_text().splitlines()) for r in range(W) if (learn.path/f'history{r}.csv').exists()]
        assert written == [3], written                                                                     # names and two epochs, of process 0
    assert (damsm.path/'models/model.pth').exists() and len(damsm.dls.valid) == -(-19//(B//W))               # the DataLoaders are whole again
    with together(): first = gather(torch.stack(noise)[:1])
    assert len(noise) == 6 and all(not torch.equal(first[0], x) for x in first[1:])
    return sum(line.startswith('[') for line in printed.getvalue().splitlines())

def check_precision():
    "R-precision on shares is R-precision: every test picture once."
    torch.manual_seed(3); learn = damsm_learner(dls, damsm_of().to(torch.float32), bf16=False); learn.create_opt(); learn.metrics[0].pool = 10
    with learn.no_bar(): alone = learn.validate()[-1]
    with learn.distrib_ctx(): shared = learn.validate()[-1]
    assert alone == shared, (alone, shared)
    return 0

def check_too_few():
    few = ImageCaptionDataLoaders.from_paperbirds(n=13, n_valid=5, preset=tiny, bs=13, vocab=dls.vocab, device='cpu')
    try:
        with damsm_learner(few, damsm_of()).distrib_ctx(): pass
    except ValueError as e: assert f'13 items to train on do not fill a batch of {W} × 13' in str(e); return 0
    assert False, 'no complaint'

def check_time():
    "Clocks differ, the end does not."
    learn = damsm_learner(dls, new_damsm(tiny, len(dls.vocab))); learn.metrics = []
    with learn.distrib_ctx(), learn.no_bar(), learn.no_logging(): learn.fit_flat_cos(1000, cbs=TimeLimit(.005*(1 + 2*rank())))
    with together(): steps = gather(torch.tensor([learn.train_iter])).tolist()
    assert min(steps) == max(steps) > 0, steps
    return steps[0]

import os
random.seed(0); torch.manual_seed(0)
with first_alone(): dls = ImageCaptionDataLoaders.from_paperbirds(n=45, n_valid=19, preset=tiny, bs=B//W, device='cpu')
whole = ImageCaptionDataLoaders.from_paperbirds(n=45, n_valid=19, preset=tiny, bs=B, device='cpu').valid.one_batch()
batch = [[x.double() for x in whole[0]], *whole[1:3], torch.tensor([0, 1, 2, 0, 3, 4, 5, 1, 6, 7, 8, 3])]
checks = dict(damsm=lambda: check_damsm(None), no_classes=lambda: check_damsm(None, False), own_groups=lambda: check_damsm(2), wide_groups=lambda: check_damsm(5), gan=lambda: check_gan(),
              paper=lambda: check_gan(kind='bce', d_norm=True, penalty=0., hard=0., lam_from=0, seek=0., agree=0., mirror=False), shares=check_shares, fit=check_fit, precision=check_precision, too_few=check_too_few, time=check_time)
said = {}
for name, check in checks.items():
    try: said[name] = check()
    except Exception: said[name] = traceback.format_exc()
(folder/f'{os.environ["RANK"]}.json').write_text(json.dumps(said))
'''
CHECKS = 'damsm no_classes own_groups wide_groups gan paper shares fit precision too_few time'.split()

@pytest.fixture(scope='module', params=[2, 3])
def said(request, tmp_path_factory):
    "What each process found."
    d = tmp_path_factory.mktemp(f'processes{request.param}'); (d/'script.py').write_text(SCRIPT)
    done = torchrun(request.param, d/'script.py', d, request.param)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads((d/f'{r}.json').read_text()) for r in range(request.param)]

@pytest.mark.parametrize('check', CHECKS)
def test_processes(said, check):
    for r, found in enumerate(said): assert isinstance(found[check], (int, float)), f'process {r}: {found[check]}'

def test_only_the_first_prints_tables(said):
    "Two epochs of three Learners make six rows."
    assert [found['fit'] for found in said] == [6] + [0]*(len(said) - 1)

TRAIN = "import sys; sys.argv[0] = 'attngan_train'; from attngan.cli import train_command; train_command()"

def test_the_command(tmp_path):
    "attngan_train in two processes: they end together, the first saves a model that draws, nobody saves twice."
    (tmp_path/'train.py').write_text(TRAIN)
    done = torchrun(2, tmp_path/'train.py', '--minutes', '.1', '-n', '200', '--out', tmp_path/'mine')
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count('saved to') == 1
    from attngan.inference import TextToImage
    assert TextToImage.from_pretrained(tmp_path/'mine').generate('a red bird').images[0].size == (64, 64)
