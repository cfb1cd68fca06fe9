"""A tiny training with checkpoints: three epochs of five batches, with dropout, on the CPU in
float32; and everything that it leaves, as numbers that two trainings can be compared by."""

import hashlib
import random

import torch
from common import quiet, seeded_learner

from attngan.resuming import Checkpoint, Watch

def train(
    kind,     # 'damsm' or 'gan'
    folder,   # of the checkpoints
    resume,   # continue from there
    bs=8,     # of one process
    cbs=(),
    **kwargs,  # of the data loaders
) -> list:     # weights, table, losses, rates, and what the random generators draw next
    learn = seeded_learner(kind, bs, **kwargs)
    checkpoint = Checkpoint(folder, batches=2, resume=resume)
    with learn.distrib_ctx(), quiet(learn):
        learn.fit_flat_cos(3, cbs=[checkpoint, Watch(), *cbs])
    weights = hashlib.sha256()
    for x in learn.model.state_dict().values():
        weights.update(x.detach().contiguous().numpy().tobytes())
    recorder = learn.recorder
    return [
        weights.hexdigest(),
        [[str(float(x)) for x in row] for row in recorder.values],    # 'nan' equals 'nan'
        [float(x) for x in recorder.losses],
        [float(x) for x in recorder.hps['lr']] if hasattr(recorder, 'hps') else [],
        random.random(),
        torch.rand(1).item(),
    ]
