"Configurations refuse what they cannot use, and name the field."
from dataclasses import fields, is_dataclass

import pytest

import attngan.checkpoints  # noqa: F401 (its configurations are tried, too)
import attngan.photographs  # noqa: F401
import attngan.variants  # noqa: F401
from attngan import config
from attngan.damsm import DAMSMConfig
from attngan.discriminator import DiscriminatorConfig
from attngan.gan_losses import LossConfig
from attngan.generator import GeneratorConfig
from attngan.image_encoder import ImageEncoderConfig
from attngan.paperbirds import PaperBirds
from attngan.serialization import _subclasses, check_kind, from_dict, to_dict
from attngan.text_encoder import TextConfig

ROOTS = (TextConfig, ImageEncoderConfig, DAMSMConfig, GeneratorConfig, DiscriminatorConfig,
         LossConfig, config.TrainingConfig, config.Config)
CLASSES = [cls for root in ROOTS for cls in _subclasses(root).values()]
FIELDS = [(cls, field) for cls in CLASSES for field in fields(cls)]
VALUES = {'a whole number': 2, 'a number': 2.5, 'nan': float('nan'), 'truth': True, 'None': None,
          'a string': '2', 'nothing': (), 'strings': ('2',), 'whole numbers': (2,),
          'numbers': (2.5,), 'a list': [None], 'a dict': {}, 'an object': object()}
RIGHT = {  # what a field takes, by its annotation
    'int': ['a whole number'],
    'float': ['a whole number', 'a number'],
    'bool': ['truth'],
    'str': ['a string'],
    'int | None': ['a whole number', 'None'],
    'int | tuple[int, ...]': ['a whole number', 'whole numbers', 'nothing'],
    'tuple[str, ...]': ['strings', 'nothing'],
    'tuple[float, ...]': ['whole numbers', 'numbers', 'nothing'],
}


def kind_of(field):
    return field.type.__name__ if type(field.type) is type else str(field.type)


@pytest.mark.parametrize('cls, field', FIELDS, ids=lambda x: getattr(x, 'name', None))
def test_a_value_of_another_kind_is_refused(cls, field):
    right = [] if is_dataclass(field.default) else RIGHT[kind_of(field)]
    for value in [value for name, value in VALUES.items() if name not in right]:
        with pytest.raises(ValueError, match=f'^{field.name} must be (a |True)') as caught:
            cls(**{field.name: value})
        assert ' not ' in str(caught.value)


@pytest.mark.parametrize('cls', CLASSES)
def test_defaults_and_dictionaries(cls):
    made = cls()
    assert from_dict(to_dict(made), cls) == made


def test_lists_and_whole_numbers_are_welcome():
    assert GeneratorConfig(hidden=[8, 8, 8]).hidden == [8, 8, 8]
    assert LossConfig(damsm=5).damsm == 5
    assert config.TrainingConfig(betas=(0, .9)).betas == (0, .9)


@pytest.mark.parametrize('name', ['n', 'size', 'seed', 'n_captions', 'per_species'])
def test_paper_birds_in_halves(name):
    for value in (2.5, '3', None, True):
        with pytest.raises(ValueError, match=f'^{name} must be a whole number, not'):
            PaperBirds('valid', **dict(n=3) | {name: value})


@pytest.mark.parametrize('name', ['n', 'size', 'n_captions', 'per_species'])
def test_no_paper_birds(name):
    with pytest.raises(ValueError, match=f'^{name} must be 1 or more, not 0'):
        PaperBirds('valid', **dict(n=3) | {name: 0})


def test_a_long_value_makes_a_short_message():
    with pytest.raises(ValueError) as caught:
        check_kind('n', 'x' * 10**6, int | None)
    assert str(caught.value).startswith('n must be a whole number or None, not')
    assert len(str(caught.value)) < 100


@pytest.mark.parametrize('kind', [[], {}, None, 3])
def test_a_type_that_is_no_name_is_refused(kind):
    with pytest.raises(ValueError, match='type: '):
        from_dict({'type': kind}, TextConfig)
