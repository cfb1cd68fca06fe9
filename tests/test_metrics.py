"Limits of the metrics: what is refused before work begins, and what is said about a number."
import warnings
from pathlib import Path
from unittest import mock

import pytest
import torch

from attngan import metrics
from attngan.config import Config
from attngan.discriminator import DiscriminatorConfig
from attngan.generator import GeneratorConfig
from attngan.inference import TextToImage
from attngan.paperbirds import PaperBirds
from attngan.text import Vocab
from attngan.variants import CompactGeneratorConfig

@pytest.fixture(scope='module')
def model():
    return TextToImage.from_pretrained('paperbirds')


@pytest.fixture(scope='module')
def birds():
    return PaperBirds('valid', n=24, n_captions=1)


def test_too_few_captions_are_refused_before_drawing(model):
    with mock.patch.object(metrics, 'draw_unseen') as draw:
        with pytest.raises(ValueError, match='n must be 105 or more, not 100'):
            metrics.evaluate(model, n=100)
    draw.assert_not_called()


def test_a_model_of_other_words_is_told_what_is_measured(birds):
    with pytest.raises(ValueError, match='measure models of paper birds'):
        metrics.encode_captions(Vocab(['dress', 'with', 'sleeves']), birds, 20)


def test_a_few_unknown_words_are_one_warning(birds):
    known = {word for texts in birds.texts() for word in texts[0].split()} - {'wings'}
    with pytest.warns(UserWarning, match='does not know: wings') as caught:
        metrics.encode_captions(Vocab(sorted(known)), birds, 20)
    assert len(caught) == 1


def test_fid_with_few_pictures_says_so(birds):
    x = metrics.to_float(birds.images)
    with pytest.warns(UserWarning, match='covariance is singular'):
        metrics.fid(x, x.flip(3))


def test_fid_of_a_single_picture_is_refused(birds):
    x = metrics.to_float(birds.images[:1])
    with pytest.raises(ValueError, match='needs two pictures or more'):
        metrics.fid(x, x)


@pytest.mark.parametrize('seed', ['3', 3.5, 2**64, -2**63 - 1])
def test_what_is_no_seed(model, seed):
    with pytest.raises(ValueError, match='the seed must be'):
        model('a red bird', seed=seed)


@pytest.mark.parametrize('field', [dict(stages='3'), dict(stages=2.5), dict(hidden=(8, 8)),
                                   dict(base=64.), dict(n_res=None), dict(hidden=None),
                                   dict(hidden='32'), dict(hidden=(8, 8, '8')), dict(hidden=())])
def test_a_configuration_names_its_field(field):
    with pytest.raises(ValueError, match=next(iter(field))):
        GeneratorConfig(**field)


@pytest.mark.parametrize('width', [0, 2.5, '64', None, (), (64, 0, 64)])
def test_a_width_that_is_none(width):
    with pytest.raises(ValueError, match='width must be'):
        DiscriminatorConfig(width)


def test_a_picture_without_a_discriminator_is_refused():
    with pytest.raises(ValueError, match='discriminator: width has 2 entries for 3 picture sizes'):
        Config(discriminator=DiscriminatorConfig((64, 64)))
    for stages in (2, 4):
        with pytest.raises(ValueError, match=f'hidden has 3 widths for stages = {stages}'):
            CompactGeneratorConfig(hidden=(8, 8, 8), stages=stages)


def test_ablations_that_do_not_exist(model):
    with pytest.raises(ValueError, match='refinements 1 to 2'):
        metrics.ablate(model, 'no words 3', 6)
    with pytest.raises(ValueError, match='what must be one of'):
        metrics.ablate(model, 'nothing', 6)


def test_an_ablation_leaves_the_model_as_it_was(model):
    before = metrics.draw_unseen(model, 6).pictures
    metrics.ablate(model, 'no words', 6)
    assert torch.equal(metrics.draw_unseen(model, 6).pictures, before)


def test_inception_from_a_file(birds, tmp_path):
    "The real file is not here: one in its layout, with random weights, shows that the path works."
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3 as Theirs
    torch.manual_seed(0)
    download = f'{Theirs.__module__}.load_state_dict_from_url'
    with mock.patch.object(Theirs, 'load_state_dict'), mock.patch(download):
        net = Theirs('random', ['2048'])
    file = Path(tmp_path)/'random.pth'
    torch.save(net.state_dict(), file)
    features = metrics.inception_features(file)
    classes = metrics.inception_features(file, 'logits_unbiased')
    x = metrics.to_float(birds.images[:8])
    images = ((x + 1)*127.5).round().byte()
    assert torch.allclose(features(images), net.eval()(images)[0], atol=1e-4)
    assert features(images).shape == (8, 2048) and classes(images).shape == (8, 1008)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        assert metrics.fid(x, x, features) < metrics.fid(x, -x, features)
    with pytest.raises(FileNotFoundError, match='no file nowhere.pth'):
        metrics.inception_features('nowhere.pth')
