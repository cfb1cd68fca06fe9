"The commands: what they refuse and which way on they name, how they train, and what a log holds."
import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from PIL import Image

from attngan import cli
from attngan.config import Config, TrainingConfig
from attngan.discriminator import DiscriminatorConfig
from attngan.files import synthetic_cub
from attngan.generator import GeneratorConfig
from attngan.image_encoder import SmallEncoderConfig
from attngan.inference import TextToImage, load_damsm, model_folder
from attngan.serialization import load_pickle, load_state_dict
from attngan.text import Vocab
from attngan.text_encoder import TextConfig
from attngan.variants import paperbirds

TINY = Config(
    text=TextConfig(max_words=8, emb_sz=8, dim=16),
    image=SmallEncoderConfig(width=8),
    generator=GeneratorConfig(hidden=4, cond=4, noise=4, n_res=1, stages=2, base=32),
    discriminator=DiscriminatorConfig(width=4),
    training=TrainingConfig(bs=4, damsm_bs=4))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    "Each test has a working folder of its own."
    monkeypatch.chdir(tmp_path)


def command(name, *words):
    "Call a console command; its exit status, 0 if it just ends."
    with mock.patch('sys.argv', [f'attngan_{name}', *map(str, words)]):
        try:
            getattr(cli, f'{name}_command')()
        except SystemExit as end:
            return end.code or 0
    return 0


def refused(capsys, name, *words):
    "What a command that ends with status 2 says on standard error."
    capsys.readouterr()
    assert command(name, *words) == 2
    said = capsys.readouterr()
    assert said.out == '' and len(said.err.strip().splitlines()) == 1
    assert said.err.startswith(f'attngan_{name}: ')
    return said.err


def finished(folder='models/mine'):
    "A folder that holds a finished model."
    shutil.copytree(model_folder('paperbirds'), folder)
    return {f.name: f.read_bytes() for f in Path(folder).iterdir()}


def unfinished(folder='models/mine', **given):
    "A folder that holds a training which was interrupted."
    return cli._claim(folder, False, given)


# drawing

def test_generate_writes_one_file_for_each_picture(capsys):
    assert command('generate', 'a red bird', '-o', 'new/bird.png', '-n', 2, '--seed', 3) == 0
    assert capsys.readouterr().out.split() == ['new/bird-1.png', 'new/bird-2.png']
    assert Image.open('new/bird-1.png').size[0] > 800
    a, b = (np.asarray(Image.open(f'new/bird-{i}.png')) for i in (1, 2))
    assert not np.array_equal(a, b)


@pytest.mark.parametrize('words, message', [
    (['', '-o', 'none.png'], 'no words'),
    (['zzz', '-o', 'none.png'], 'unknown words'),
    (['a red bird', '-o', 'none.png', '-n', '0'], 'must be 1 or more'),
    (['a red bird', '-o', 'none.png', '-m', 'nowhere'], "no model 'nowhere'"),
    (['a red bird', '-o', '.'], 'is a folder'),
])
def test_generate_refuses_and_writes_nothing(capsys, words, message):
    assert message in refused(capsys, 'generate', *words)
    assert not list(Path().iterdir())


# 28 F: a finished model is never replaced

def test_words_without_quotes_a_plain_picture_and_a_dollar():
    assert command('generate', 'a', 'red', 'bird', 'for', r'$\frac{$', '--plain') == 0
    assert Image.open('attngan.png').size == (64, 64)
    assert command('generate', r'a red bird for $\frac{$', '-o', 'sheet.v2') == 0
    assert Image.open('sheet.v2').format == 'PNG'


def test_a_folder_of_pictures_does_not_hide_a_model_of_its_name():
    Path('birds').mkdir()
    assert model_folder('birds') != Path('birds') and (model_folder('birds')/'config.json').exists()


def test_a_finished_model_is_not_replaced(capsys):
    before = finished()
    said = refused(capsys, 'train')
    assert 'models/mine holds a finished model' in said
    assert 'attngan_train --start models/mine' in said and '--out' in said      # two ways on
    assert {f.name: f.read_bytes() for f in Path('models/mine').iterdir()} == before


def test_resume_on_a_finished_model_names_the_way_on(capsys):
    before = finished()
    said = refused(capsys, 'train', '--resume')
    assert 'nothing to resume' in said and 'attngan_train --start models/mine' in said
    assert 'leave out --resume' not in said                               # it would replace it
    assert {f.name: f.read_bytes() for f in Path('models/mine').iterdir()} == before


def test_resume_without_a_training(capsys):
    assert 'no unfinished training' in refused(capsys, 'train', '--resume')


def test_an_unfinished_training_is_not_mixed_up(capsys):
    unfinished()
    said = refused(capsys, 'train')
    assert 'attngan_train --resume --out models/mine' in said
    assert Path('models/mine/checkpoints/run.json').exists()


@pytest.mark.parametrize('text', ['', '{"minutes": 1', '[1]', '{}', '{"minutes": 3}', 'null'])
def test_a_damaged_note_is_named(capsys, text):
    unfinished()
    note = Path('models/mine/checkpoints/run.json')
    note.write_text(text)
    assert str(note) in refused(capsys, 'train', '--resume')


@pytest.mark.parametrize('option', [
    ('--minutes', 20), ('--seed', 1), ('-n', 100), ('--skip-bad',), ('--bs', 8), ('--start', 'x'),
], ids=lambda option: option[0])
def test_resume_refuses_another_option(capsys, option):
    unfinished(minutes=3.)
    said = refused(capsys, 'train', '--resume', *option)
    assert f'leave out {option[0]}' in said and 'was started with' in said


def test_a_noted_zero_is_an_option(capsys):
    unfinished(minutes=3.)
    assert 'was started with --seed 0' in refused(capsys, 'train', '--resume', '--seed', 1)
    said = refused(capsys, 'train', '--resume', '--start', 'x')
    assert 'was started with no --start' in said


def test_a_missing_package_is_a_line_and_no_traceback(capsys):
    with mock.patch.dict('sys.modules', {'h5py': None}):
        Path('fashion').mkdir()
        for split in ('train', 'validation'):
            Path(f'fashion/fashiongen_256_256_{split}.h5').touch()
        said = refused(capsys, 'train', '--data', 'fashiongen', '--path', 'fashion', '--check')
    assert 'FashionGen needs h5py' in said


def test_resume_takes_the_noted_options():
    options = unfinished(minutes=3., seed=1)
    assert cli._claim('models/mine', True, {}) == options
    assert cli._claim('models/mine', True, dict(minutes=3.)) == options
    assert options['minutes'] == 3 and options['seed'] == 1 and options['n'] == 9000


def test_released_weights_do_not_replace_a_model(capsys):
    finished('models/released')
    assert 'is there already' in refused(capsys, 'import', 'nowhere')


# 28 G: limits are checked before work begins

@pytest.mark.parametrize('words, message', [
    (['--minutes', '0'], 'more than 0'),
    (['--minutes', 'nan'], 'more than 0'),
    (['-n', '0'], '1 or more'),
    (['--bs', '1'], '2 or more'),
    (['--seed', str(2**64)], '--seed must be from'),
    (['--out', __file__], 'is a file; give a new folder with --out'),
    (['--path', 'birds'], 'leave out --path'),
    (['--data', 'cub', '--minutes', '1'], 'needs --path'),
    (['--data', 'cub', '--path', '.'], 'needs --minutes'),
    (['--data', 'cub', '--path', 'nowhere', '--minutes', '1'], 'nowhere does not exist'),
    (['--data', 'cub', '--path', '.', '--minutes', '1', '-n', '5'], 'number of paper birds'),
    (['--valid-species', '5'], 'belongs to --data cub'),
    (['--data', 'csv', '--path', '.', '--minutes', '1', '--recipe', 'paperbirds'], '--recipe'),
    (['--start', 'nowhere'], 'config.json'),
])
def test_train_refuses_options_before_it_begins(capsys, words, message):
    with mock.patch.object(cli, '_train', side_effect=AssertionError):
        assert message in refused(capsys, 'train', *words)
    assert not Path('models').exists()


def test_too_few_pictures_are_refused_and_leave_nothing(capsys):
    assert 'do not fill a batch' in refused(capsys, 'train', '-n', '5')
    assert not Path('models/mine/checkpoints').exists()                # the next try is not blocked


@pytest.mark.parametrize('n', [0, 1, 100])
def test_evaluate_says_its_limits_first(capsys, n):
    with mock.patch('attngan.metrics.draw_unseen', side_effect=AssertionError):
        said = refused(capsys, 'evaluate', '-n', n)
    assert '105' in said and not Path('evaluation.json').exists()


def test_evaluate_says_that_it_measures_paper_birds(capsys):
    model = TextToImage.from_pretrained('paperbirds')
    words = ['flower', 'petals', 'pink', 'stamen']
    TextToImage(Vocab(words), model.text, model.generator_config).save_pretrained('flowers')
    said = refused(capsys, 'evaluate', '-m', 'flowers')
    assert 'measure models of paper birds' in said


def test_evaluate_refuses_what_is_not_there(capsys):
    assert "no model 'nowhere'" in refused(capsys, 'evaluate', '-m', 'nowhere')
    assert 'is a folder' in refused(capsys, 'evaluate', '-o', '.')


# looking through the data

def test_check_finds_a_damaged_copy(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv('ATTNGAN_CACHE', str(tmp_path/'cache'))
    assert command('train', '--check', '-n', 20) == 0
    assert 'no faults' in capsys.readouterr().out
    for file in (tmp_path/'cache').rglob('*.npz'):
        data = bytearray(file.read_bytes())
        data[len(data)//2] ^= 1                                         # one bit
        file.write_bytes(data)
    assert 'are damaged' in refused(capsys, 'train', '--check', '-n', 20)


def test_check_of_cub_decodes_the_test_pictures(capsys):
    synthetic_cub('cub')
    words = ['--check', '--data', 'cub', '--path', 'cub']
    assert command('train', *words) == 0
    names = load_pickle('cub/test/filenames.pickle')
    picture = Path(f'cub/CUB_200_2011/images/{names[0]}.jpg')
    picture.write_bytes(picture.read_bytes()[:300])
    Path('cub/train/class_info.pickle').unlink()
    capsys.readouterr()
    assert command('train', *words) == 2
    said = capsys.readouterr().out
    assert picture.name in said and 'class_info.pickle' in said


# training

def captioned_folder(path, n=12):
    "Pictures with a text file beside each."
    path.mkdir()
    rng = np.random.default_rng(0)
    for i in range(n):
        Image.fromarray(rng.integers(0, 255, (80, 80, 3), 'uint8')).save(path/f'{i}.png')
        colour = ('red', 'blue', 'green')[i % 3]
        (path/f'{i}.txt').write_text(f'a {colour} picture number {i}')
    return path


def table(path):
    "The same pictures in a table."
    folder = captioned_folder(path.with_name('pictures'))
    with open(path, 'w', newline='') as f:
        rows = csv.writer(f)
        rows.writerow(['image', 'caption'])
        for file in sorted(folder.glob('*.png')):
            rows.writerow([f'pictures/{file.name}', file.with_suffix('.txt').read_text()])
    return path


def synthetic(kind):
    "A small copy of a public data set."
    if kind == 'folder':
        return captioned_folder(Path('data').absolute())
    if kind == 'csv':
        return table(Path('table.csv').absolute())
    from attngan import files
    if kind == 'fashiongen':
        pytest.importorskip('h5py')
    return getattr(files, f'synthetic_{kind}')(Path('data').absolute())


@pytest.mark.parametrize('kind', ['folder', 'csv', 'cub', 'coco', 'fashiongen'])
def test_train_on_any_data(kind, monkeypatch, capsys):
    monkeypatch.setattr(cli, '_recipe', lambda name: TINY)
    path = synthetic(kind)
    words = ['--data', kind, '--path', path, '--minutes', .06, '--out', 'mine']
    if kind == 'cub':
        words += ['--valid-species', 1]
    assert command('train', *words) == 0, capsys.readouterr().err
    assert 'saved to mine' in capsys.readouterr().out
    model = TextToImage.from_pretrained('mine')
    damsm, vocab = load_damsm('mine/damsm.safetensors')
    assert vocab == model.vocab
    assert (model.text, model.generator_config) == (TINY.text, TINY.generator)
    model(model.vocab.words[1])


def test_train_on_photographs(monkeypatch, capsys):
    "Backbone features are kept and found again, and both kinds of discriminator learn."
    monkeypatch.setenv('ATTNGAN_CACHE', str(Path('cache').absolute()))
    path = synthetic('cub')
    words = ['--data', 'cub', '--path', path, '--recipe', 'photographs', '--minutes', .2,
             '--bs', 4, '--damsm-bs', 4, '--valid-species', 1]
    assert command('train', *words, '--out', 'mine') == 0, capsys.readouterr().err
    features = [p for p in Path('cache').glob('features-*') if p.suffix != '.json']
    assert len(features) == 1
    made = features[0].stat().st_mtime_ns
    assert command('train', *words, '--out', 'again', '--seed', 1) == 0, capsys.readouterr().err
    assert features[0].stat().st_mtime_ns == made
    kept = load_state_dict('mine/discriminators.safetensors')
    assert any('mixing' in name for name in kept)
    assert not any('backbone._blocks' in name for name in kept)     # it comes from its package
    TextToImage.from_pretrained('mine')('a bird')


def test_train_interrupt_resume_and_train_further(monkeypatch, capsys):
    monkeypatch.setattr(cli, '_recipe', lambda name: TINY)
    path = captioned_folder(Path('data'))
    words = ['--data', 'folder', '--path', 'data', '--minutes', .1, '--out', 'mine']
    step = 'attngan.training.AttnGANLearner.generator_step'
    with mock.patch(step, side_effect=KeyboardInterrupt):
        assert command('train', *words) == 130
    assert 'attngan_train --resume --out mine' in capsys.readouterr().err
    assert list(Path('mine/checkpoints/damsm').glob('*.ckpt'))
    other = Path('other')
    other.mkdir()
    monkeypatch.chdir(other)                                            # from another folder
    assert command('train', '--resume', '--out', '../mine') == 0, capsys.readouterr().err
    monkeypatch.chdir(path.absolute().parent.parent if other.exists() else '..')
    files = {f.name for f in Path('mine').iterdir()}
    assert files == {'config.json', 'damsm.safetensors', 'discriminators.safetensors',
                     'model.safetensors', 'train.log', 'training.json'}
    assert json.loads(Path('mine/training.json').read_text())['data'] == 'folder'
    log = Path('mine/train.log').read_text()
    assert 'damsm' in log
    words = ['--data', 'folder', '--path', 'data', '--minutes', .05, '--out', 'more',
             '--start', 'mine']
    assert command('train', *words) == 0, capsys.readouterr().err
    before, after = (TextToImage.from_pretrained(name).state_dict() for name in ('mine', 'more'))
    assert (before['text_encoder.embed.weight'] == after['text_encoder.embed.weight']).all()
    assert any((before[k] != after[k]).any() for k in before if k.startswith('generator'))


def test_a_started_model_goes_on_with_all_stages_and_a_fifth_of_the_rate():
    words = ['--minutes', .2, '-n', 64, '--start', 'paperbirds', '--out', 'more']
    import fastai.callback.schedule  # noqa: F401 (adds fit_flat_cos)
    fit = 'fastai.learner.Learner.fit_flat_cos'
    with mock.patch(fit, autospec=True, side_effect=KeyboardInterrupt) as fitted:
        assert command('train', *words) == 130
    learn, _, rates = fitted.call_args.args
    training = paperbirds.training
    assert rates == [training.lr/5, training.d_lr/5]
    kinds = {type(callback).__name__ for callback in learn.cbs}
    assert 'ProgressiveStages' not in kinds and 'ModeSeeking' in kinds


def test_a_stored_discriminator_of_other_sizes_is_left_out_and_named():
    discriminators = paperbirds.new_discriminators()
    before = {name: w.clone() for name, w in discriminators.state_dict().items()}
    stored = {name: w + 1 for name, w in before.items()}
    stored['1.project.weight'] = torch.zeros(2, 3)
    with pytest.warns(UserWarning, match='for 32 pixels has other layers'):
        cli._copy_discriminators(stored, discriminators)
    for name, w in discriminators.state_dict().items():
        expected = before if name.startswith('1.') else stored
        assert torch.equal(w, expected[name]), name


def test_what_a_model_was_trained_on_is_noted_and_taken_over(monkeypatch, capsys):
    finished('mine')
    data = captioned_folder(Path('data'))
    noted = dict(data='folder', path=str(data.absolute()), recipe='photographs', bs=3,
                 no_flip=True, minutes=7., seed=5)
    Path('mine/training.json').write_text(json.dumps(noted))
    options = cli._complete(dict(start='mine', minutes=1.))
    taken = {name: options[name] for name in noted}
    assert taken == noted | dict(minutes=1., seed=0)
    assert cli._complete(dict(start='mine', minutes=1., bs=5))['bs'] == 5


def loaders(**options):
    "For the GAN and for the DAMSM."
    options = cli._complete(dict(minutes=1., bs=4, damsm_bs=4) | options)
    gan = cli._data_loaders(options, cli._config(options))
    return gan, cli._damsm_loaders(options, gan.vocab)


def test_photographs_recipe_reads_paper_birds_as_well():
    gan, damsm = loaders(recipe='photographs', n=64)
    assert len(gan.train_ds) == len(damsm.train_ds) == 64


def test_captions_with_left_and_right(capsys):
    folder = captioned_folder(Path('data'))
    for i, file in enumerate(folder.glob('*.txt')):
        file.write_text(f'a ball on the {("left", "right")[i % 2]}, number {i}')
    with pytest.warns(UserWarning, match='11 of 11 captions say left or right.*flip=False'):
        gan, _ = loaders(data='folder', path=folder)
    assert gan.train_ds.flip
    gan, damsm = loaders(data='folder', path=folder, no_flip=True)
    assert not gan.train_ds.flip and not damsm.train_ds.flip
    assert command('train', '--check', '--data', 'folder', '--path', folder) == 0
    said = capsys.readouterr().out
    assert 'say left or right' in said
    assert 'do not fill a batch of 20: train with --bs 11 or less' in said
    assert 'do not fill a batch of 48: train with --damsm-bs 11 or less' in said


def test_a_training_that_fails_early_leaves_no_claim(monkeypatch, capsys):
    monkeypatch.setattr(cli, '_recipe', lambda name: TINY)
    folder = captioned_folder(Path('data'))
    words = ['--data', 'folder', '--path', folder, '--minutes', .1, '--out', 'mine']
    step = 'attngan.damsm_training.DAMSMLearner._do_one_batch'
    with mock.patch(step, side_effect=ValueError('3.png: cannot be read; pass skip_bad=True')):
        assert command('train', *words) == 2
    assert '3.png: cannot be read; pass --skip-bad' in capsys.readouterr().err
    assert not Path('mine/checkpoints').exists()
    with mock.patch(step, side_effect=KeyError('a bug')), pytest.raises(KeyError):
        command('train', *words)
    assert not Path('mine/checkpoints').exists()


def test_a_gan_of_a_single_step_is_no_silent_success():
    learn = mock.Mock(train_iter=1)
    learn.dls.train = range(30)
    with pytest.warns(UserWarning, match='1 step, less than one epoch of 30'):
        cli._warn_if_short(learn)


def test_columns_in_capital_letters_and_of_other_names():
    path = table(Path('table.csv').absolute())
    rows = path.read_text()
    path.write_text(rows.replace('image,caption', 'Image,Caption', 1))
    gan, _ = loaders(data='csv', path=path)
    assert len(gan.items) == 12
    path.write_text(rows.replace('image,caption', 'bild,satz', 1))
    gan, _ = loaders(data='csv', path=path, image_col='bild', caption_col='satz')
    assert len(gan.items) == 12
    with pytest.raises(ValueError, match='--caption-col names a column'):
        cli._complete(dict(data='folder', path='.', minutes=1., caption_col='satz'))


def test_start_needs_the_same_recipe(monkeypatch, capsys):
    finished('mine')
    words = ['--data', 'folder', '--path', captioned_folder(Path('data')), '--minutes', 1]
    said = refused(capsys, 'train', *words, '--start', 'mine', '--out', 'more')
    assert 'another recipe' in said and not Path('more/checkpoints').exists()


def test_a_model_keeps_the_species_that_were_held_out():
    finished('mine')
    Path('mine/training.json').write_text('{"valid_species": 12}')
    given = dict(data='cub', path='.', minutes=1., start='mine')
    assert cli._complete(given)['valid_species'] == 12
    with pytest.raises(ValueError, match='species that it knows'):
        cli._complete(given | dict(valid_species=20))
    del given['start']
    assert cli._complete(given)['valid_species'] == 20


def test_a_model_of_all_training_species_has_no_validation_split(capsys):
    finished('mine')
    Path('mine/training.json').write_text('{"valid_species": 0}')
    said = refused(capsys, 'evaluate', '-m', 'mine', '--data', 'cub', '--path', '.')
    assert '--split test' in said


def test_a_start_without_discriminators_says_so():
    began = finished('mine')
    Path('mine/discriminators.safetensors').unlink()
    assert 'discriminators.safetensors' in began
    started = cli._load_start(cli._complete(dict(start='mine')))
    networks = mock.Mock()
    with pytest.warns(UserWarning, match='discriminators begin untrained'):
        cli._copy_start(started, networks)
    networks.discriminators.load_state_dict.assert_not_called()


def test_the_ending_of_a_file_says_what_it_is():
    assert command('generate', 'a red bird', '-o', 'bird.jpg') == 0
    assert Path('bird.jpg').read_bytes()[:2] == b'\xff\xd8'


# 28 L: what a log holds

@pytest.fixture(scope='module')
def logged(tmp_path_factory):
    "A short training of paper birds in a process of its own, with its output in a file."
    folder = tmp_path_factory.mktemp('logged')
    env = {**os.environ, 'ATTNGAN_CACHE': str(folder/'cache'), 'PYTHONUNBUFFERED': '1'}
    code = 'from attngan.cli import train_command as c; c()'
    with open(folder/'log', 'w') as log:
        done = subprocess.run([sys.executable, '-c', code, '--minutes', '.6', '-n', '200'],
                              cwd=folder, env=env, stdout=log, stderr=subprocess.STDOUT)
    assert done.returncode == 0, (folder/'log').read_text()[-2000:]
    return folder


def test_a_log_has_a_line_an_epoch_and_no_bars(logged):
    text = (logged/'log').read_text()
    assert not set('\r█\x1b') & set(text)
    lines = text.splitlines()
    assert len(text) < 30_000 and any(line.startswith('saved to models/mine') for line in lines)
    assert len([line for line in lines if 'epoch' in line]) <= 4       # a heading for each training
    assert 'validation split' in lines[-1]


def test_the_model_of_that_training_draws(logged):
    model = TextToImage.from_pretrained(logged/'models/mine')
    assert model('a red bird', seed=0).images[0].size == (64, 64)
    assert not (logged/'models/mine/checkpoints').exists()
    said = (logged/'models/mine/train.log').read_text()
    for name in ('accuracy', 'r_precision', 'gradient_penalty'):        # a line of each training
        assert name in said


# 28 L: export_onnx is there without an import; and what is not imported

def test_export_onnx_needs_no_import():
    code = ('import sys; from attngan.inference import TextToImage; '
            'assert callable(TextToImage.export_onnx) and "attngan.export" not in sys.modules')
    subprocess.run([sys.executable, '-c', code], check=True)


UNWANTED = {'fastai', 'fastcore', 'fastprogress', 'nltk', 'pandas', 'scipy', 'sklearn',
            'huggingface_hub', 'onnx', 'gradio'}


def loaded_by(code):
    "Top-level packages that a program has imported."
    code += '; import sys; print(*{name.split(".")[0] for name in sys.modules})'
    done = subprocess.run([sys.executable, '-c', code], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_inference_imports_little():
    assert not loaded_by('import attngan.inference') & (UNWANTED | {'matplotlib'})


def test_generate_imports_little():
    code = ('import sys; sys.argv = ["attngan_generate", "a red bird"]; '
            'from attngan.cli import generate_command; generate_command()')
    assert not loaded_by(code) & UNWANTED


def test_help_imports_nothing():
    for name in ('generate', 'train', 'evaluate', 'import'):
        code = (f'import sys; sys.argv = ["attngan_{name}", "-h"]; '
                f'from attngan.cli import {name}_command as c\ntry: c()\nexcept SystemExit: pass\n'
                'assert "torch" not in sys.modules')
        subprocess.run([sys.executable, '-c', code], check=True, capture_output=True)


# the authors' weights

def test_import_says_what_is_missing_and_writes_nothing(capsys):
    Path('released').mkdir()
    said = refused(capsys, 'import', 'released', '-o', 'models/birds')
    assert 'released' in said and not Path('models').exists()


def test_json_of_an_evaluation_is_printed(capsys):
    evaluation = json.loads((model_folder('paperbirds')/'evaluation.json').read_text())
    cli.print_evaluation(evaluation)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ['generated', 'real']
    assert any(line.startswith('attributes, captions') for line in lines)
