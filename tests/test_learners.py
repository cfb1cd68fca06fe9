"""What both Learners refuse, and what they keep: rates, saved weights, columns."""
import contextlib
import io
import math
import sys
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest
import torch
from fastai.callback.core import Callback, CancelBatchException
from fastai.callback.progress import ShowGraphCallback

sys.path.insert(0, str(Path(__file__).parent/'processes'))
from common import quiet, tiny, tiny_data  # noqa: E402

from attngan.damsm import DAMSMConfig  # noqa: E402
from attngan.damsm_training import damsm_learner, show_word_attention  # noqa: E402
from attngan.inference import save_damsm  # noqa: E402
from attngan.recipes import GradientPenalty, ModeSeeking, ProgressiveStages  # noqa: E402
from attngan.resuming import _callback_state, _load_callback_state, _storable  # noqa: E402
from attngan.text_encoder import TextConfig  # noqa: E402
from attngan.training import DrawSamples, attngan_learner  # noqa: E402
from attngan.variants import CosineDAMSMConfig  # noqa: E402

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


def test_a_frozen_part_of_a_discriminator_stays_frozen(data, damsm):
    learn = attngan_learner(data, deepcopy(damsm))
    first = learn.model.discriminators[0]
    frozen = next(first.children()).requires_grad_(False)
    kept = weights(frozen)
    with quiet(learn):
        learn.fit(1)
    assert not any(p.requires_grad for p in frozen.parameters())
    assert torch.equal(kept, weights(frozen))
    assert all(p.requires_grad for p in learn.model.discriminators[1].parameters())


class Fails(Callback):
    "An error in the middle of the generator's step."
    def after_generator_losses(self):
        raise RuntimeError('out of memory')


def test_an_error_in_the_generators_step_leaves_the_discriminators_trainable(data, damsm):
    learn = attngan_learner(data, deepcopy(damsm))
    with quiet(learn), pytest.raises(RuntimeError, match='out of memory'):
        learn.fit(1, cbs=Fails())
    assert all(p.requires_grad for p in learn.model.discriminators.parameters())


def test_the_average_and_the_damsm_of_a_new_gan_evaluate(data, damsm):
    networks = attngan_learner(data, deepcopy(damsm).train()).model
    assert networks.generator.training
    assert not any(m.training for m in networks.average.modules())
    assert not any(m.training for m in networks.damsm.modules())


def test_samples_are_drawn_so_many_times_and_validation_keeps_them(data, damsm):
    samples = DrawSamples(['a red bird', 'a blue bird'], rows=2)
    learn = attngan_learner(data, deepcopy(damsm), cbs=[samples])
    with quiet(learn):
        learn.fit(2)
        drawn = list(samples.labels)
        learn.validate()
    assert len(drawn) == 3 and drawn[-1] == '100%' and samples.labels == drawn


def test_a_damsm_with_another_text_encoder_is_refused(data, damsm):
    plain = replace(data.config, text=TextConfig(emb_sz=16, dim=16))
    other = deepcopy(damsm)
    other.text_encoder = plain.text.build(len(data.vocab))
    with pytest.raises(ValueError, match='has a TextEncoder .* describes a NormalizedTextEncoder'):
        attngan_learner(data, other)


def test_a_damsm_is_not_saved_with_another_configuration(data, damsm, tmp_path):
    plain = replace(data.config, damsm=DAMSMConfig())
    with pytest.raises(ValueError, match='is a CosineDAMSM .* describes a DAMSM'):
        save_damsm(damsm, data.vocab, plain, tmp_path/'damsm.safetensors')
    assert not list(tmp_path.iterdir())


def test_features_cannot_be_shown(data, damsm):
    learn = damsm_learner(data, deepcopy(damsm))
    images, *rest = data.valid.one_batch()
    features = tuple(damsm.image_encoder.features(images[-1]))
    batch = features, *rest
    with pytest.raises(ValueError, match='features of pictures'):
        show_word_attention(learn.model, data, batch=batch)


@pytest.mark.parametrize('config', [DAMSMConfig(), CosineDAMSMConfig()])
def test_chunks_of_the_words_loss_change_nothing(data, config):
    torch.manual_seed(0)
    damsm = replace(data.config, damsm=config).new_damsm(len(data.vocab)).eval()
    images, ids, lengths, _ = data.valid.one_batch()
    regions, _, words, _ = damsm(images, ids, lengths)
    whole = damsm.scores(regions, words, lengths)
    damsm.chunk = 5
    name = 'attngan.damsm.checkpoint'
    with mock.patch(name, wraps=torch.utils.checkpoint.checkpoint) as checkpoint:
        assert torch.allclose(damsm.scores(regions, words, lengths), whole, atol=1e-4)
    assert checkpoint.call_count == -(-len(regions)//5)


def test_a_penalty_of_stages_that_have_not_entered(data, damsm):
    larger = data.config.drawn_sizes[1:]
    cbs = [ProgressiveStages((0., .9, .9)), GradientPenalty(sizes=larger, every=1)]
    learn = attngan_learner(data, deepcopy(damsm), cbs=cbs)
    with quiet(learn):
        learn.fit(1)
    assert math.isfinite(learn.smooth_loss)


def test_a_loss_callback_as_a_class_has_its_column(data, damsm):
    learn = attngan_learner(data, deepcopy(damsm), cbs=[ModeSeeking])
    assert 'mode_seeking' in learn.metrics.map(lambda metric: metric.name)


def test_a_graph_that_nobody_watches_is_left_out(data, damsm):
    with mock.patch('attngan.learner.is_watched', return_value=False):
        learn = damsm_learner(data, deepcopy(damsm), cbs=[ShowGraphCallback])
        with contextlib.redirect_stdout(io.StringIO()):
            learn.fit(1)
    assert not any(isinstance(cb, ShowGraphCallback) for cb in learn.cbs)


class Keeps(Callback):
    kept = ['matrix', 'scalar', 'losses']


def test_what_a_callback_keeps_comes_back_as_it_was():
    before = Keeps()
    after = Keeps()
    before.matrix = torch.arange(4.)
    before.scalar = torch.tensor(2.)
    before.losses = [torch.tensor(1.), torch.tensor(3.)]
    file = io.BytesIO()
    torch.save(_storable(_callback_state(before)), file)
    file.seek(0)
    _load_callback_state(after, torch.load(file, weights_only=True))
    assert torch.equal(after.matrix, before.matrix)
    assert torch.equal(after.scalar, before.scalar)
    assert isinstance(after.losses, list) and after.losses == before.losses
