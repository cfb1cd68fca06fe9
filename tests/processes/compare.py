"""What each process of tests/test_distributed.py does.

Before the processes connect, each computes alone what one process makes of the
whole batch; together they compute it in shares, and compare.

BatchNorm uses its stored statistics here: its means of a batch are those of a
process's own share. (SyncBatchNorm, which would take the whole batch, exists on
GPUs only.) Random tensors are the same in both worlds: each is made for the whole
batch, and a share gets its rows of it.
"""

import io
import json
import os
import random
import sys
import traceback
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import torch
from common import quiet, tiny, tiny_data, tiny_paper
from fastai.callback.core import Callback, CancelFitException
from fastai.callback.progress import CSVLogger
from fastai.callback.tracker import SaveModelCallback
from torch import nn

from attngan.damsm_training import damsm_learner
from attngan.distributed import first_alone, gather, own, rank, together
from attngan.learner import TimeLimit
from attngan.recipes import ProgressiveStages, attribute_learner, paperbirds_callbacks
from attngan.training import attngan_learner

folder = Path(sys.argv[1])
W = int(sys.argv[2])
B = 12                                                # pictures of the whole batch
RANK = int(os.environ['RANK'])
KINDS = ('rand', 'randn', 'rand_like', 'randn_like')


def use_float64():
    "Losses are computed 'in float32 at least': `float` leaves float64 as it is."
    single = torch.Tensor.float

    def at_least_float(x):
        return x if x.dtype == torch.float64 else single(x)

    torch.Tensor.float = at_least_float


@contextmanager
def shared_random(items):
    "Inside, random tensors for `items` items are this process's rows of the whole batch's."
    original = {kind: getattr(torch, kind) for kind in KINDS}
    seeds = iter(range(10**6))

    def draw(kind, shape, dtype):
        whole = (B, *shape[1:]) if shape[0] == items else shape
        generator = torch.Generator().manual_seed(next(seeds))
        x = original[kind](*whole, generator=generator, dtype=dtype)
        return own(x) if shape[0] == items else x

    def of_shape(kind):
        def f(*shape, device=None):
            return draw(kind, shape, torch.float64)

        return f

    def like(kind):
        def f(x):
            return draw(kind, x.shape, x.dtype)

        return f

    for kind in ('rand', 'randn'):
        setattr(torch, kind, of_shape(kind))
        setattr(torch, f'{kind}_like', like(kind))
    try:
        yield
    finally:
        for kind in KINDS:
            setattr(torch, kind, original[kind])


class OneStep(Callback):
    "Trains with one batch only; keeps the losses and the gradients that the optimiser gets."
    order = -5                                        # after DistributedTraining

    def __init__(self, batch):
        self.batch = batch

    def before_fit(self):
        self.gradients = []

    def before_batch(self):
        images, *rest = self.batch
        images = [own(x) for x in images]
        rest = [own(x) for x in rest]
        self.learn.xb, self.learn.yb = (images, *rest[:2]), rest[2:]
        for part in self.model.modules():
            if isinstance(part, nn.modules.batchnorm._BatchNorm):
                part.eval()
        self.random = shared_random(len(rest[0]))
        self.random.__enter__()

    def after_loss(self):
        self.found = {'loss': self.learn.loss, **self.learn.losses}

    def after_backward(self):
        self.gradients += [p.grad.clone() for p in self.model.parameters() if p.grad is not None]

    def after_batch(self):
        self.random.__exit__(None, None, None)
        raise CancelFitException()


def one_step(learn):
    random.seed(0)
    learn.metrics = []
    step = OneStep(batch)
    with quiet(learn):
        learn.fit(1, cbs=step)
    return [x.detach() for x in step.found.values()], step.gradients


def compare(build):
    "One process with the whole batch, and all processes together: the largest difference."
    losses, gradients = one_step(build())
    with build().distrib_ctx() as learn:
        shared_losses, shared_gradients = one_step(learn)
    assert len(gradients) == len(shared_gradients) > 20
    assert any(g.abs().max() > .01 for g in gradients)
    pairs = zip(losses + gradients, shared_losses + shared_gradients)
    worst = max((a - b).abs().max().item() for a, b in pairs)
    assert worst < 1e-6, worst
    return worst


def new_damsm(group=None, double=True):
    torch.manual_seed(1)
    damsm = tiny(B, group).new_damsm(len(dls.vocab))
    return damsm.double() if double else damsm


def check_damsm(group=None, classes=True):
    def build():
        learn = damsm_learner(dls, new_damsm(group), bf16=False)
        if not classes:
            loss = type(learn.model).loss
            learn.model.loss = lambda *tensors: loss(learn.model, *tensors[:5])
        return learn

    return compare(build)


def check_gan(config, cbs):
    def build():
        dls.config = config
        torch.manual_seed(2)
        learn = attngan_learner(dls, new_damsm(), bf16=False, cbs=cbs())
        learn.model.double()
        for part in learn.model.generator.modules():  # larger pictures are not only enlarged
            if isinstance(part, nn.Conv2d) and part.out_channels == 3:
                nn.init.normal_(part.weight, std=.5)
        return learn

    try:
        return compare(build)
    finally:
        dls.config = tiny(B)


def all_callbacks():
    return [ProgressiveStages((0., 0., 0.)), *paperbirds_callbacks()[1:]]


def check_shares():
    "45 pictures, batches of 12: 36 to train on, each once; to validate all, each at its place."
    with damsm_learner(dls, new_damsm(), bf16=False).distrib_ctx() as learn:
        for dl in learn.dls.loaders:                  # each would shuffle in its own way
            dl.rng = random.Random(rank())
        train, valid = learn.dls.train.get_idxs(), learn.dls.valid.get_idxs()
        length = len(learn.dls.train)
        everyone = gather(torch.tensor(train)).tolist()
        shares = torch.tensor(valid).split(B//W)
        in_order = torch.cat([gather(share) for share in shares]).tolist()
    assert length == 3 and len(train) == 36//W
    assert len(set(everyone)) == len(everyone) == 36
    assert in_order[:19] == list(range(19)) and len(in_order) < 19 + W
    return 0


class KeepNoise(Callback):
    def __init__(self):
        self.noise = []

    def after_batch(self):
        if hasattr(self.learn, 'noise'):
            self.noise.append(self.learn.noise[0].clone())


def fit_together(learn, name, cbs):
    "Two epochs; asserts equal networks and one table in one file. → printed rows."
    learn.path = folder/name
    learn.path.mkdir(exist_ok=True)
    torch.manual_seed(5)                              # noise differs even if the seeds are the same
    random.seed(5)
    printed = io.StringIO()                           # lines of several processes would get mixed
    with redirect_stdout(printed), learn.distrib_ctx(), learn.no_bar():
        learn.fit(2, cbs=[CSVLogger(f'history{RANK}.csv'), *cbs])
    weights = [x.detach().double().flatten() for x in learn.model.state_dict().values()]
    with together():
        everywhere = gather(torch.cat(weights)[None])
    assert torch.equal(everywhere.amin(0), everywhere.amax(0)), name
    tables = [learn.path/f'history{r}.csv' for r in range(W)]
    rows = [len(table.read_text().splitlines()) for table in tables if table.exists()]
    assert rows == [3], rows                          # names and two epochs, of process 0
    return sum(line.startswith('[') for line in printed.getvalue().splitlines())


def check_fit():
    "Each Learner for two epochs. → how many rows of tables this process has printed."
    random.seed(RANK)                                 # weights differ before the processes connect
    torch.manual_seed(RANK)
    encoder = new_damsm(double=False).image_encoder
    attributes = attribute_learner(dls, encoder)
    loaders = [dl.new(bs=B//W) for dl in attributes.dls.loaders]
    attributes.dls = type(attributes.dls)(*loaders, device='cpu')
    rows = fit_together(attributes, 'attributes', [])
    damsm = damsm_learner(dls, tiny(B).new_damsm(len(dls.vocab)))
    rows += fit_together(damsm, 'damsm', [SaveModelCallback()])
    assert (damsm.path/'models/model.pth').exists()
    assert len(damsm.dls.valid) == -(-19//(B//W))     # the DataLoaders are whole again
    keep = KeepNoise()
    gan = attngan_learner(dls, damsm, cbs=paperbirds_callbacks())
    rows += fit_together(gan, 'gan', [keep])
    with together():
        first = gather(torch.stack(keep.noise)[:1])
    assert len(keep.noise) == 6
    assert all(not torch.equal(first[0], noise) for noise in first[1:])
    return rows


def check_precision():
    "R-precision on shares is R-precision: every test picture once."
    torch.manual_seed(3)
    learn = damsm_learner(dls, new_damsm(double=False), bf16=False)
    learn.create_opt()
    learn.metrics[0].pool = 10
    with learn.no_bar():
        alone = learn.validate()[-1]
    with learn.distrib_ctx():
        shared = learn.validate()[-1]
    assert alone == shared, (alone, shared)
    return 0


def check_too_few():
    few = tiny_data(tiny(B), 13, n=13, n_valid=5, vocab=dls.vocab)
    try:
        with damsm_learner(few, new_damsm()).distrib_ctx():
            pass
    except ValueError as error:
        assert f'13 items to train on do not fill a batch of {W} × 13' in str(error)
        return 0
    raise AssertionError('no error')


def check_time():
    "Clocks differ, the end does not."
    learn = damsm_learner(dls, tiny(B).new_damsm(len(dls.vocab)))
    learn.metrics = []
    with learn.distrib_ctx(), quiet(learn):
        learn.fit_flat_cos(1000, cbs=TimeLimit(.005*(1 + 2*rank())))
    with together():
        steps = gather(torch.tensor([learn.train_iter])).tolist()
    assert min(steps) == max(steps) > 0, steps
    return steps[0]


CHECKS = {
    'damsm': check_damsm,
    'no_classes': lambda: check_damsm(classes=False),
    'small_groups': lambda: check_damsm(group=4),
    'wide_groups': lambda: check_damsm(group=5),
    'gan': lambda: check_gan(tiny(B), all_callbacks),
    'paper': lambda: check_gan(tiny_paper(B), list),
    'shares': check_shares,
    'fit': check_fit,
    'precision': check_precision,
    'too_few': check_too_few,
    'time': check_time,
}

if __name__ == '__main__':
    use_float64()
    random.seed(0)
    torch.manual_seed(0)
    with first_alone():
        dls = tiny_data(tiny(B), B//W)
    images, ids, lengths, _ = tiny_data(tiny(B), B).valid.one_batch()
    class_ids = torch.tensor([0, 1, 2, 0, 3, 4, 5, 1, 6, 7, 8, 3])
    batch = [x.double() for x in images], ids, lengths, class_ids
    found = {}
    for name, check in CHECKS.items():
        try:
            found[name] = check()
        except Exception:
            found[name] = traceback.format_exc()
    (folder/f'{RANK}.json').write_text(json.dumps(found))
