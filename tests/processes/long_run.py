"""Paper birds for many minutes under a memory limit: `long_run.py FOLDER MINUTES`."""

import gc
import json
import os
import resource
import sys
import time
from pathlib import Path

from common import quiet
from fastai.callback.core import Callback

from attngan.damsm_training import damsm_learner
from attngan.data import ImageCaptionDataLoaders
from attngan.learner import TimeLimit
from attngan.metrics import Obeys
from attngan.recipes import ProgressiveStages, paperbirds_callbacks
from attngan.resuming import Checkpoint, Watch, log_to
from attngan.training import attngan_learner
from attngan.variants import paperbirds

FOLDER = Path(sys.argv[1])
MINUTES = float(sys.argv[2])
NO_LIMIT = resource.RLIM_INFINITY


def kib(what):
    "A number of /proc/self/status, for instance the peak of the resident memory, VmHWM."
    for line in open('/proc/self/status'):
        if line.startswith(what):
            return int(line.split()[1])
    raise KeyError(what)


def open_files():
    return len(os.listdir('/proc/self/fd'))


class Limit(Callback):
    "From batch `start` on, a fifth more memory is all there is."
    order = 90

    def __init__(self, start=200):   # by then the matrix library has met every size
        self.batch = start

    def before_fit(self):
        self.seen = []
        self.start = None
        self.last = 0.

    def after_batch(self):
        if not self.training:
            return
        if self.train_iter == self.batch:
            gc.collect()
            self.start, self.files = kib('VmHWM'), open_files()
            most = int(1024*(kib('VmPeak') + .2*self.start))
            resource.setrlimit(resource.RLIMIT_AS, (most, NO_LIMIT))
        if self.start and time.monotonic() - self.last > 1:
            self.seen.append(kib('VmRSS'))
            self.last = time.monotonic()

    def after_fit(self):
        resource.setrlimit(resource.RLIMIT_AS, (NO_LIMIT, NO_LIMIT))
        gc.collect()
        quarter = len(self.seen)//4
        found[type(self.learn).__name__] = dict(
            batches=self.train_iter,
            start=self.start,
            peak=kib('VmHWM'),
            early=sum(self.seen[:quarter])/quarter,
            late=sum(self.seen[-quarter:])/quarter,
            files=[self.files, open_files()],
        )


def callbacks(name, minutes):
    return [TimeLimit(minutes), Checkpoint(FOLDER/name, minutes=.05), Watch(), Limit()]


def data(**kwargs):
    return ImageCaptionDataLoaders.from_paperbirds(n=640, n_valid=100, config=paperbirds, **kwargs)


if __name__ == '__main__':
    log_to(FOLDER/'logs'/'train.log', size=1000, keep=2)
    found = {}
    damsm = damsm_learner(data(bs=32), weights=None)
    with quiet(damsm):
        damsm.fit_flat_cos(10**6, cbs=callbacks('damsm', MINUTES/4))
    Path('/proc/self/clear_refs').write_text('5')    # the next one has a peak of its own
    recipe = [ProgressiveStages((0., 0., 0.)), *paperbirds_callbacks()[1:]]
    learn = attngan_learner(data(), damsm, cbs=recipe)
    learn.metrics = [*learn.metrics, Obeys(20)]
    with quiet(learn):
        learn.fit_flat_cos(10**6, cbs=callbacks('gan', MINUTES*3/4))
    found['logs'] = {f.name: f.stat().st_size for f in (FOLDER/'logs').iterdir()}
    found['checkpoints'] = [len(list((FOLDER/kind).iterdir())) for kind in ('damsm', 'gan')]
    (FOLDER/'found.json').write_text(json.dumps(found))
