"""What both Learners refuse, and what they keep: rates, saved weights, columns."""
import sys
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from fastai.callback.core import Callback, CancelBatchException

sys.path.insert(0, str(Path(__file__).parent/'processes'))
from common import quiet, tiny, tiny_data  # noqa: E402

from attngan.damsm_training import damsm_learner  # noqa: E402
from attngan.training import attngan_learner  # noqa: E402

B = 12


class KeepRates(Callback):
    "Skips every batch, keeps each epoch's learning rate."
    def before_fit(self):
        self.rates = []

    def before_batch(self):
        raise CancelBatchException()

    def after_epoch(self):
        self.rates.append(self.opt.hypers[0]['lr'])


@pytest.fixture(scope='module')
def data():
    return tiny_data(tiny(B), B)


@pytest.fixture(scope='module')
def damsm(data):
    return data.config.new_damsm(len(data.vocab))


def weights(network):
    return torch.cat([p.detach().flatten() for p in network.parameters()]).clone()


def test_the_rate_of_the_damsm_falls_after_each_epoch(data, damsm):
    learn = damsm_learner(data, deepcopy(damsm), cbs=[KeepRates()])
    learn.metrics = []
    with quiet(learn):
        learn.fit(3)
    training = data.config.training
    wanted = [training.damsm_lr*training.damsm_decay**epoch for epoch in range(3)]
    assert learn.keep_rates.rates == pytest.approx(wanted)


def test_a_damsm_of_another_vocabulary_is_refused(data):
    with pytest.raises(ValueError, match='5450'):
        damsm_learner(data, data.config.new_damsm(5450))


def test_a_frozen_damsm_is_refused(data, damsm):
    frozen = deepcopy(damsm).requires_grad_(False)
    with pytest.raises(ValueError, match='frozen'):
        damsm_learner(data, frozen).fit(1)


def test_results_leave_out_captions_of_the_same_class(data, damsm):
    import matplotlib.pyplot as plt
    learn = damsm_learner(data, deepcopy(damsm))
    images, ids, lengths, _ = data.valid.one_batch()
    one_class = images, ids, lengths, torch.zeros(len(ids), dtype=torch.long)
    data.valid.one_batch, usual = lambda: one_class, data.valid.one_batch
    try:
        learn.show_results()
    finally:
        data.valid.one_batch = usual
    labels = [axis.xaxis.label for axis in plt.gcf().axes]
    assert {label.get_color() for label in labels} == {'green'}    # no rival is left
    plt.close('all')


def test_a_gan_is_saved_and_loaded(data, damsm, tmp_path):
    learn = attngan_learner(data, deepcopy(damsm))
    learn.path = tmp_path
    with quiet(learn):
        learn.fit(1)
        learn.save('mid')
        kept = weights(learn.model.generator)
        learn.fit(1)
    assert not torch.equal(kept, weights(learn.model.generator))
    learn.load('mid')
    assert torch.equal(kept, weights(learn.model.generator))
    assert len(learn.opt.hypers) == 2


def test_a_gan_validates_when_it_is_asked_to_and_has_no_lr_find(data, damsm):
    learn = attngan_learner(data, deepcopy(damsm))
    with quiet(learn):
        _, *terms = learn.validate()
    assert len(terms) == len(learn.metrics)
    with pytest.raises(NotImplementedError, match='two networks'):
        learn.lr_find()
