"Pictures and captions from the disk: every layout, every kind of fault, workers, memory."
import io
import json
import os
import pickle
import random
import resource
import shutil
import subprocess
import sys
import threading
import warnings
from collections import Counter
from configparser import ConfigParser
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from attngan import files
from attngan.batch import CaptionDataset
from attngan.cache import array_cache, cache_pictures, keep_pictures, origin
from attngan.config import Config, DiscriminatorConfig, GeneratorConfig, TextConfig, TrainingConfig
from attngan.damsm_training import RPrecision, damsm_learner
from attngan.data import ImageCaptionDataLoaders
from attngan.files import CaptionedImage, DataError, Faults
from attngan.image_encoder import SmallEncoderConfig
from attngan.inference import TextToImage, load_damsm, model_folder
from attngan.micro_batches import MicroBatches
from attngan.paperbirds import PaperBirds
from attngan.serialization import load_state_dict
from attngan.text import Vocab
from attngan.training import attngan_learner

ROOT = Path(__file__).parent.parent
SMALL = dict(bs=4, device='cpu')
TINY = Config(
    text=TextConfig(max_words=6, emb_sz=16, dim=16), image=SmallEncoderConfig(width=8),
    generator=GeneratorConfig(hidden=4, cond=8, noise=8, n_res=1, base=8),
    discriminator=DiscriminatorConfig(width=4),
    training=TrainingConfig(bs=4, damsm_bs=4))


def run(function, *args):
    "Call a function of this module in a process that starts from nothing. → what it printed"
    command = [sys.executable, '-W', 'ignore', __file__, function.__name__, *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def picture(size=16, colour=0):
    return np.full((size, size, 3), colour % 256, 'uint8')


def entries(n, class_id=None, caption='a red bird'):
    "Entries with one caption each."
    return [CaptionedImage(picture(colour=i), [f'{caption} number {i}'], class_id, key=str(i))
            for i in range(n)]


def classes_of(dls):
    return [it.class_id for it in dls.items]


def warned(function):
    "Result and warnings of a call."
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always')
        return function(), [str(w.message) for w in said]


@pytest.fixture(scope='module')
def original(tmp_path_factory):
    "A synthetic CUB, COCO and FashionGen, to be read only."
    folder = tmp_path_factory.mktemp('data')
    files.synthetic_cub(folder/'cub', n=6, size=64)
    files.synthetic_coco(folder/'coco', n=6, size=64)
    files.synthetic_coco(folder/'coco authors', n=6, size=64, official=False)
    files.synthetic_coco(folder/'coco 2017', n=6, size=64, year=2017)
    files.synthetic_fashiongen(folder/'fashiongen', n=12, size=32)
    return folder


@pytest.fixture
def cub(original, tmp_path):
    "A copy of CUB to be damaged."
    return Path(shutil.copytree(original/'cub', tmp_path/'cub'))


def fill(folder, names, captions='a red bird\na bird'):
    "Pictures and texts of these names."
    for i, name in enumerate(names):
        files.write(folder/f'{name}.png', picture(colour=i))
        files.write(folder/f'{name}.txt', captions)


# ---------------------------------------------------------------- classes

def test_no_class_is_a_class_of_its_own():
    items = entries(10)
    dls = ImageCaptionDataLoaders.from_items(items[:8], items[8:], TINY, **SMALL)
    assert len(set(classes_of(dls))) == 10
    class_ids = dls.one_batch()[3]
    assert len(set(class_ids.tolist())) == len(class_ids) == 4


def test_the_same_captions_are_one_class():
    said = [['a black top'], ['a red top', 'a top'], ['a top', 'a red top'],
            ['a black top', 'a top']]
    items = [CaptionedImage(picture(), captions, key=str(i)) for i, captions in enumerate(said)]
    train, valid = files.settle_classes(items, items[:2])
    assert [it.class_id for it in train] == [0, 1, 1, 2]
    assert [it.class_id for it in valid] == [0, 1]


def test_the_same_captions_everywhere_are_no_class():
    items = [CaptionedImage(picture(), ['a bird'], key=str(i)) for i in range(3)]
    assert [it.class_id for it in files.settle_classes(items)[0]] == [0, 1, 2]


def test_some_classes_are_given():
    classes = [3, None, 3, None]
    items = [replace(it, class_id=c) for it, c in zip(entries(4), classes)]
    settled = [it.class_id for it in files.settle_classes(items)[0]]
    assert settled == [3, 4, 3, 5]


def test_a_class_that_is_no_number_is_named():
    items = [replace(it, class_id='gull') for it in entries(4)]
    with pytest.raises(ValueError, match="class_id of 0 must be a whole number .*not 'gull'"):
        files.settle_classes([*items, *entries(2)])


def test_a_single_caption_is_no_list_of_letters():
    item = CaptionedImage(picture(), 'a red bird', key='a')
    assert item.captions == ['a red bird']


def test_a_split_of_one_class_is_used_without_classes():
    items = entries(10, class_id=0)
    build = ImageCaptionDataLoaders.from_items
    dls, said = warned(lambda: build(items[:8], items[8:], TINY, **SMALL))
    assert len(set(classes_of(dls))) == 10
    assert sum('have the class 0' in s for s in said) == 2
    data, said = warned(lambda: CaptionDataset(items, dls.vocab, TINY))
    assert len({data[i][2] for i in range(10)}) == 10 and len(said) == 1


def test_equal_classes_in_class_info(cub):
    for split, n in (('train', 6), ('test', 3)):
        files.write(cub/split/'class_info.pickle', [1]*n)
    dls, said = warned(lambda: ImageCaptionDataLoaders.from_cub(cub, TINY, **SMALL))
    assert len(set(classes_of(dls))) == 9
    assert any('nothing would be learned' in s for s in said)


def test_missing_class_info(cub):
    for split in ('train', 'test'):
        (cub/split/'class_info.pickle').unlink()
    with pytest.raises(DataError, match='each picture is a class of its own'):
        ImageCaptionDataLoaders.from_cub(cub, TINY, **SMALL)
    dls = ImageCaptionDataLoaders.from_cub(cub, TINY, skip_bad=True, **SMALL)
    assert len(set(classes_of(dls))) == 9


def test_faults_are_told_before_species_are_held_out(cub):
    (cub/'train'/'class_info.pickle').unlink()
    with pytest.raises(DataError, match='valid_species=0 each picture is a class of its own'):
        ImageCaptionDataLoaders.from_cub(cub, TINY, valid_species=2, **SMALL)
    with pytest.raises(ValueError, match='valid_species=0 holds out none'):
        ImageCaptionDataLoaders.from_cub(cub, TINY, valid_species=2, skip_bad=True, **SMALL)


def test_one_class_in_a_table_or_folder(tmp_path):
    fill(tmp_path/'all'/'birds', 'abcdefgh')
    dls = ImageCaptionDataLoaders.from_folder(tmp_path/'all', config=TINY, **SMALL)
    assert len(set(classes_of(dls))) == 8
    rows = ''.join(f'all/birds/{n}.png,a red bird,1\n' for n in 'abcdefgh')
    files.write(tmp_path/'t.csv', 'image,caption,class\n' + rows)
    dls = ImageCaptionDataLoaders.from_csv(tmp_path/'t.csv', config=TINY, **SMALL)
    assert len(set(classes_of(dls))) == 8


def test_one_product_in_fashiongen(tmp_path):
    import h5py
    files.synthetic_fashiongen(tmp_path, n=12, size=32)
    for path in tmp_path.glob('*.h5'):
        with h5py.File(path, 'a') as f:
            f['input_productID'][:] = 7
    dls = ImageCaptionDataLoaders.from_fashiongen(tmp_path, config=TINY, **SMALL)
    assert len(set(classes_of(dls))) == len({tuple(it.captions) for it in dls.items}) > 4


# ---------------------------------------------------------------- splits

@pytest.mark.parametrize('held', ['valid', 'val', 'Validation', 'test'])
def test_folders_named_train_and_test_are_splits(tmp_path, held):
    fill(tmp_path/'train'/'gulls', 'abcd')
    fill(tmp_path/'train'/'wrens', 'efgh')
    fill(tmp_path/held/'gulls', 'ij')
    dls = ImageCaptionDataLoaders.from_folder(tmp_path, config=TINY, **SMALL)
    assert sorted(it.key for it in dls.train_ds.items) == [f'train/{c}/{n}.png' for c, ns in (
        ('gulls', 'abcd'), ('wrens', 'efgh')) for n in ns]
    assert {it.key for it in dls.valid_ds.items} == {f'{held}/gulls/{n}.png' for n in 'ij'}
    assert classes_of(dls)[:8] == [0]*4 + [1]*4
    with pytest.raises(ValueError, match='leave out valid_pct'):
        ImageCaptionDataLoaders.from_folder(tmp_path, valid_pct=.2, config=TINY, **SMALL)


def test_the_test_folder_waits_if_there_is_one_for_validation(tmp_path):
    for split, names in (('train', 'abcd'), ('val', 'ef'), ('test', 'gh')):
        fill(tmp_path/split, names)
    train, valid = files.folder_items(tmp_path)
    assert len(train) == 4 and [it.key for it in valid] == ['val/e.png', 'val/f.png']


def test_a_class_named_train_among_others(tmp_path):
    fill(tmp_path/'train', 'abcd')
    fill(tmp_path/'bus', 'efgh')
    train, valid = files.folder_items(tmp_path)
    assert len(train) == 7 and {it.class_id for it in train} == {0, 1}


def test_train_alone_is_divided(tmp_path):
    fill(tmp_path/'train'/'gulls', 'abcd')
    fill(tmp_path/'train'/'wrens', 'efgh')
    train, valid = files.folder_items(tmp_path, valid_pct=.25)
    assert len(valid) == 2 and {it.class_id for it in train} == {0, 1}


def test_pictures_outside_of_the_splits(tmp_path):
    fill(tmp_path/'train', 'abcd')
    fill(tmp_path/'test', 'ef')
    fill(tmp_path/'more', 'gh')
    with pytest.raises(ValueError, match='others in .more.'):
        files.folder_items(tmp_path)


def test_a_table_with_splits(tmp_path):
    fill(tmp_path, 'abcdef')
    rows = ''.join(f'{n}.png,a bird,{"val" if n in "ef" else "train"}\n' for n in 'abcdef')
    files.write(tmp_path/'t.csv', 'image,caption,split\n' + rows)
    train, valid = files.table_items(tmp_path/'t.csv')
    assert [it.key for it in valid] == ['e.png', 'f.png']
    with pytest.raises(ValueError, match='leave out valid_pct'):
        files.table_items(tmp_path/'t.csv', valid_pct=.5)
    for split, message in (('holdout', "line 3: split 'holdout' is none of train"),
                           ('', 'b.png is in no split')):
        files.write(tmp_path/'t.csv', f'image,caption,split\na.png,a bird,train\n'
                                      f'b.png,a bird,{split}\nc.png,a bird,val\n')
        with pytest.raises(ValueError, match=message):
            files.table_items(tmp_path/'t.csv')
    files.write(tmp_path/'t.csv', 'image,caption,split\n' + 'a.png,a bird,test\nb.png,a bird,val\n')
    with pytest.raises(ValueError, match='none for training'):
        files.table_items(tmp_path/'t.csv')


# ---------------------------------------------------------------- small data

def test_a_batch_of_one_is_refused():
    items = entries(10)
    build = ImageCaptionDataLoaders.from_items
    with pytest.raises(ValueError, match='take bs=2 at least'):
        build(items[:8], items[8:], TINY, bs=1)
    with pytest.raises(ValueError, match='pass bs=8 or less'):
        build(items[:8], items[8:], TINY, bs=20)
    with pytest.raises(ValueError, match='two at least'):
        build(items[:1], items[8:], TINY, bs=2)
    with pytest.raises(ValueError, match='no picture to train on'):
        build([], items[8:], TINY, bs=2)
    for bs in ('4', 2.5):
        with pytest.raises(ValueError, match='bs must be a whole number'):
            build(items[:8], items[8:], TINY, bs=bs)
    for share in ('.1', 10, -1):
        with pytest.raises(ValueError, match='valid_pct.* must be a number from 0 to below 1'):
            files.split_items(items, share)


def test_one_picture_in_a_folder(tmp_path):
    fill(tmp_path, 'a')
    with pytest.raises(ValueError, match='two at least are needed'):
        files.folder_items(tmp_path)


def test_ten_pictures_with_one_caption_each(tmp_path):
    fill(tmp_path, 'abcdefghij', captions='a red bird')
    dls = ImageCaptionDataLoaders.from_folder(tmp_path, config=TINY, bs=9, device='cpu')
    assert [len(b[1]) for b in dls.train] == [9] and [len(b[1]) for b in dls.valid] == [1]
    learn, said = warned(lambda: fit_quietly(damsm_learner(dls), metrics=RPrecision()))
    assert np.isnan(learn.recorder.values[-1][-1])
    assert any('R-precision needs captions of two classes' in s for s in said)
    gan = fit_quietly(attngan_learner(dls, learn))
    assert np.isfinite(gan.recorder.losses[-1].item())


def test_micro_batches_of_an_odd_batch():
    "No micro-batch has one picture; and a single callback needs no list."
    items = entries(10)
    dls = ImageCaptionDataLoaders.from_items(items[:8], items[8:], TINY, bs=5, device='cpu')
    damsm = fit_quietly(damsm_learner(dls, cbs=MicroBatches(4)))
    gan = fit_quietly(attngan_learner(dls, damsm, cbs=MicroBatches(2)))
    assert np.isfinite(gan.recorder.losses[-1].item())


# ---------------------------------------------------------------- layouts

def test_the_other_keywords_are_refused():
    with pytest.raises(TypeError, match='preset'):
        ImageCaptionDataLoaders.from_items(entries(8), entries(2), TINY, preset=1)


@pytest.mark.parametrize('reader', ['cub', 'coco', 'fashiongen', 'folder', 'csv'])
def test_a_path_that_is_not_there(reader):
    read = getattr(ImageCaptionDataLoaders, f'from_{reader}')
    with pytest.raises(FileNotFoundError, match='nowhere: there is no such f'):
        read('/nowhere')


@pytest.mark.parametrize('reader', ['cub', 'coco', 'fashiongen', 'folder', 'csv'])
def test_the_home_folder(reader, original, monkeypatch, tmp_path):
    monkeypatch.setenv('HOME', str(tmp_path))
    if reader in ('cub', 'coco', 'fashiongen'):
        shutil.copytree(original/reader, tmp_path/'data')
    else:
        fill(tmp_path/'data', 'abcdefgh')
        rows = ''.join(f'{n}.png,a bird\n' for n in 'abcdefgh')
        files.write(tmp_path/'data'/'t.csv', 'image,caption\n' + rows)
    path = '~/data/t.csv' if reader == 'csv' else '~/data'
    read = getattr(ImageCaptionDataLoaders, f'from_{reader}')
    assert len(read(path, config=TINY, **SMALL).one_batch()[1]) == 4


@pytest.mark.parametrize('data, reader', [
    ('cub', 'from_cub'), ('coco', 'from_coco'), ('coco 2017', 'from_coco'),
    ('coco authors', 'from_coco'), ('fashiongen', 'from_fashiongen')])
def test_the_wrong_reader_names_the_right_one(data, reader, original):
    for name in ('from_cub', 'from_coco', 'from_fashiongen', 'from_folder', 'from_csv'):
        if name == reader:
            continue
        with pytest.raises(FileNotFoundError, match=f'looks like data for {reader}'):
            getattr(ImageCaptionDataLoaders, name)(original/data)


def test_the_wrong_reader_of_your_own_pictures(tmp_path):
    fill(tmp_path/'folder', 'ab')
    files.write(tmp_path/'hub'/'metadata.jsonl', '{"file_name": "a.png", "text": "a bird"}\n')
    files.write(tmp_path/'hub'/'a.png', picture())
    with pytest.raises(FileNotFoundError, match='from_folder'):
        files.cub_items(tmp_path/'folder')
    for read in (files.folder_items, files.coco_items):
        with pytest.raises(FileNotFoundError, match='from_csv.*metadata.jsonl'):
            read(tmp_path/'hub')
    with pytest.raises(FileNotFoundError, match='this is a file.*from_csv'):
        files.folder_items(tmp_path/'hub'/'metadata.jsonl')


def test_coco_2017(original):
    for a, b in zip(files.coco_items(original/'coco'), files.coco_items(original/'coco 2017')):
        assert [it.captions for it in a] == [it.captions for it in b]
    for a, b in zip(files.coco_items(original/'coco'), files.coco_items(original/'coco authors')):
        assert [(it.captions, it.key) for it in a] == [(it.captions, it.key) for it in b]


def test_coco_by_its_folder_of_annotations(original):
    by_root = files.coco_items(original/'coco 2017')
    by_annotations = files.coco_items(original/'coco 2017'/'annotations')
    assert by_annotations == by_root
    with pytest.raises(ValueError, match=r"looks like data for from_coco\('.*coco 2017'\)"):
        files.table_items(original/'coco 2017'/'annotations'/'captions_val2017.json')


def test_endings_in_capitals(tmp_path):
    fill(tmp_path, 'abcd')
    for path in list(tmp_path.iterdir()):
        path.rename(path.with_suffix(path.suffix.upper()))
    train, valid = files.folder_items(tmp_path)
    assert len(train + valid) == 4


def test_texts_in_a_folder_of_their_own(tmp_path):
    "As CelebA has them (a flat folder) and the Oxford flowers (classes in the folder of texts)."
    for i in range(8):
        files.write(tmp_path/'jpg'/f'image_{i}.jpg', picture(colour=i))
        files.write(tmp_path/'celeba'/f'image_{i}.txt', f'face {i}')
        files.write(tmp_path/'flowers'/f'class_{i % 2}'/f'image_{i}.txt', f'flower {i}')
    with pytest.raises(FileNotFoundError, match='pass texts='):
        files.folder_items(tmp_path/'jpg')
    train, valid = files.folder_items(tmp_path/'jpg', texts=tmp_path/'celeba')
    assert len(train + valid) == 8 and all(it.class_id is None for it in train)
    assert {it.captions[0] for it in train + valid} == {f'face {i}' for i in range(8)}
    dls = ImageCaptionDataLoaders.from_folder(tmp_path/'jpg', texts=tmp_path/'flowers',
                                              config=TINY, **SMALL)
    for it in dls.items:
        number = int(it.captions[0].split()[1])
        assert it.image.stem == f'image_{number}' and it.class_id == number % 2


FLICKR_ROWS = [('a', 'a red bird'), ('a', 'a bird, red'), ('b', 'a "blue" bird'),
               ('c', 'un oiseau')]
TABLES = {
    'captions.txt': 'image,caption\na.png,a red bird\na.png,"a bird, red"\n'
                    'b.png,"a ""blue"" bird"\nc.png,un oiseau\n',
    'semicolons.csv': 'image;caption\na.png;a red bird\na.png;a bird, red\n'
                      'b.png;"a ""blue"" bird"\nc.png;un oiseau\n',
    'tabs.tsv': 'filename\tcaption\na.png\ta red bird\na.png\ta bird, red\n'
                'b.png\t"a ""blue"" bird"\nc.png\tun oiseau\n',
    'results.csv': 'image_name| comment_number| comment\n'
                   'a.png| 0| a red bird\na.png| 1| a bird, red\n'
                   'b.png| 0| "a ""blue"" bird"\nc.png| 0| un oiseau\n',
    'Flickr8k.token.txt': 'a.png#0\ta red bird\na.png#1\ta bird, red\n'
                          'b.png#0\ta "blue" bird\nc.png#0\tun oiseau\n',
    'metadata.jsonl': ''.join(json.dumps(dict(file_name=f'{n}.png', text=c)) + '\n'
                              for n, c in FLICKR_ROWS),
    'windows.csv': '\ufeffimage,caption\r\na.png,a red bird\r\na.png,"a bird, red"\r\n'
                   'b.png,"a ""blue"" bird"\r\nc.png,un oiseau\r\n',
}


@pytest.mark.parametrize('name', list(TABLES))
def test_tables(name, tmp_path):
    fill(tmp_path/'images', 'abc')
    files.write(tmp_path/name, TABLES[name])
    items = sum(files.table_items(tmp_path/name, images=tmp_path/'images'), [])
    captions = {it.image.stem: it.captions for it in items}
    assert captions == dict(a=['a red bird', 'a bird, red'], b=['a "blue" bird'], c=['un oiseau'])
    with pytest.raises(FileNotFoundError, match='pass images='):
        files.table_items(tmp_path/name)


def test_other_columns(tmp_path):
    fill(tmp_path, 'ab')
    files.write(tmp_path/'t.csv', 'id,photo,says\n1,a.png,a bird\n2,b.png,a bird\n')
    with pytest.raises(ValueError, match='image_col='):
        files.table_items(tmp_path/'t.csv')
    with pytest.raises(ValueError, match='caption_col='):
        files.table_items(tmp_path/'t.csv', image_col='photo')
    train, valid = files.table_items(tmp_path/'t.csv', image_col='photo', caption_col='says')
    assert len(train + valid) == 2
    with pytest.raises(ValueError, match="no column 'foto'"):
        files.table_items(tmp_path/'t.csv', image_col='foto')


@pytest.mark.parametrize('name, text, message', [
    ('t.csv', 'image,caption\na.png,"a bird\n', 'line 2: a field whose "quotes" are not closed'),
    ('t.csv', 'image,caption\na.png,"a" bird\n', 'line 2: .* write "quotes" inside of them twice'),
    ('t.csv', 'image,caption\na.png,a bird, red\n', 'line 2: more fields than columns'),
    ('t.jsonl', '{"file_name": "a.png", "text"\n', 'line 1: not a row such as'),
    ('t.jsonl', '[{"file_name": "a.png", "text": "a"}]', 'line 1: not a row such as'),
    ('t.parquet', b'PAR1', 'read as CSV or as JSON lines')])
def test_a_table_that_is_none(name, text, message, tmp_path):
    files.write(tmp_path/name, text)
    with pytest.raises(ValueError, match=f'{name}.*{message}'):
        files.table_items(tmp_path/name)


def test_several_captions_in_a_json_line(tmp_path):
    fill(tmp_path, 'ab')
    lines = [json.dumps(dict(file_name=f'{n}.png', text=['one bird', 'two birds'])) for n in 'ab']
    files.write(tmp_path/'metadata.jsonl', '\n'.join(lines))
    train, valid = files.table_items(tmp_path/'metadata.jsonl')
    assert train[0].captions == ['one bird', 'two birds']


# ---------------------------------------------------------------- line ends

def test_a_pickle_with_windows_line_ends(cub):
    for split in ('train', 'test'):
        for name in ('filenames.pickle', 'class_info.pickle'):
            data = pickle.dumps(files.load_pickle(cub/split/name), 0)
            (cub/split/name).write_bytes(data.replace(b'\n', b'\r\n'))
    faults = Faults()
    train, test = files.cub_items(cub, faults)
    assert (len(train), len(test)) == (6, 3) and not faults.bad


POINTER = b'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n'


def weights_and_folder(folder):
    "Each kind of binary file that we read, and how."
    files.write(folder/'a.png', picture())
    torch.save(dict(a=torch.arange(300)), folder/'a.pth')
    shutil.copytree(model_folder('paperbirds'), folder/'model')
    files.write(folder/'captions.pickle', [10, 'some\nlines\n', list(range(300))])
    return {folder/'a.png': files.open_picture, folder/'a.pth': load_state_dict,
            folder/'model'/'model.safetensors': lambda p: TextToImage.from_pretrained(p.parent),
            folder/'model'/'damsm.safetensors': load_damsm,
            folder/'captions.pickle': files.load_pickle}


def test_binary_files_that_git_changed(tmp_path):
    for path, read in weights_and_folder(tmp_path).items():
        good = path.read_bytes()
        for data, message in ((good.replace(b'\n', b'\r\n'), 'line ends were changed'),
                              (POINTER, 'git lfs pull')):
            path.write_bytes(data)
            with pytest.raises(ValueError, match=f'{path.name}.*{message}'):
                read(path)


@pytest.mark.parametrize('reader', ['cub', 'coco'])
def test_names_that_end_in_a_carriage_return(reader, original, tmp_path):
    name = dict(cub='cub', coco='coco authors')[reader]
    root = Path(shutil.copytree(original/name, tmp_path/'data'))
    path = root/'train'/'filenames.pickle'
    files.write(path, [f'{name}\r' for name in files.load_pickle(path)])
    faults = Faults()
    read = files.cub_items if reader == 'cub' else files.coco_items
    train, test = read(root, faults)
    assert len(train) == 6 and [f.kind for f in faults] == ['odd']
    assert 'invisible' in faults[0].what


# ---------------------------------------------------------------- captions

def test_pairs_of_replacement_characters_are_spaces(cub):
    path = next((cub/'text').rglob('*.txt'))
    path.write_text('a red\ufffd\ufffdbird\nlost \ufffd letter\n', encoding='utf-8')
    assert files.read_captions(path) == ['a red bird', 'lost \ufffd letter']
    found = files.look_at(CaptionedImage(picture(), files.read_captions(path)))
    assert [f.what for f in found] == ['letters in the wrong encoding: lost \ufffd letter']


def test_pairs_of_replacement_characters_in_other_sources(tmp_path):
    fill(tmp_path, 'ab')
    files.write(tmp_path/'t.csv', 'image,caption\na.png,a red\ufffd\ufffdbird\nb.png,a bird\n')
    captions = {it.captions[0] for it in sum(files.table_items(tmp_path/'t.csv'), [])}
    assert captions == {'a red bird', 'a bird'}


def test_captions_that_say_nothing_are_odd():
    found = files.look_at(CaptionedImage(picture(), ['this', 'this is a', 'this bird']))
    assert [f.what for f in found] == ['says nothing: this', 'says nothing: this is a']


def test_a_missing_text_is_reported_once(cub):
    path = next((cub/'text').rglob('*.txt'))
    path.unlink()
    with pytest.raises(DataError) as error:
        files.cub_items(cub)
    assert [f.kind for f in error.value.faults] == ['missing']
    assert str(error.value).count(str(path)) == 1


def test_rare_faults_come_first():
    many = Faults(files.Fault('missing', f'{i}.txt', 'not there') for i in range(5000))
    many.append(files.Fault('box', 'a.jpg', 'outside'))
    assert 'a.jpg: outside' in many.table(3).split('\n')[1]


def test_advice_only_where_it_helps(cub):
    files.write(cub/'train'/'class_info.pickle', [1, 2])
    with pytest.raises(DataError, match='does not help') as error:
        ImageCaptionDataLoaders.from_cub(cub, TINY, skip_bad=True, **SMALL)
    assert 'skip_bad=True' not in str(error.value)
    with pytest.raises(FileNotFoundError, match='text is not there'):
        shutil.rmtree(cub/'text')
        files.cub_items(cub)


def test_long_captions_are_counted():
    items = entries(8, caption='one two three four five six seven')
    dls = ImageCaptionDataLoaders.from_items(items[:6], items[6:], TINY, **SMALL)
    cut, alike = dls.check()
    assert cut.kind == alike.kind == 'cut' and not dls.check().bad
    assert cut.what.startswith('8 of 8 captions have more than 6 words')
    assert 'max_words=9' in cut.what
    assert 'begin with the same 6 words' in alike.what


def test_a_tiny_picture_is_odd():
    found = files.look_at(CaptionedImage(picture(1), ['a bird']))
    assert found[0].kind == 'odd' and '1 × 1 pixels will be enlarged' in found[0].what
    found = files.look_at(CaptionedImage(picture(100), ['a bird'], box=(10, 10, 6, 6)))
    assert 'enlarged' in found[0].what
    assert not files.look_at(CaptionedImage(picture(16), ['a bird']))


def test_check_is_quiet_when_nobody_watches(capsys):
    items = entries(300)
    dls = ImageCaptionDataLoaders.from_items(items[:290], items[290:], TINY, **SMALL)
    dls.check(n_workers=2)
    assert capsys.readouterr() == ('', '')


def test_captions_in_a_text_file(tmp_path):
    path = tmp_path/'bird.txt'
    path.write_bytes('\ufeffa red bird\r\n\r\n  un oiseau doré \n红色的鸟\n?!\n'.encode()
                     + 'tête noire'.encode('latin1'))
    captions, said = warned(lambda: files.read_captions(path))
    assert captions == ['a red bird', 'un oiseau doré', '红色的鸟', 'tête noire']
    assert 'line 6: not UTF-8' in said[0] and "line 5: '?!' has no word" in said[1]
    for data, message in ((b'...\n\n', 'no caption with a word'),
                          ('a red bird'.encode('utf-16'), 'UTF-16'),
                          (b'red '*300_000, 'more than 1 MB')):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=message):
            files.read_captions(path)


# ---------------------------------------------------------------- test_dl

@pytest.mark.parametrize('arguments', [{}, dict(with_labels=True), dict(bs=2)])
def test_other_pictures(arguments):
    items = entries(10)
    dls = ImageCaptionDataLoaders.from_items(items[:8], items[8:], TINY, **SMALL)
    others = [replace(it, captions=it.captions*3) for it in items[:2]]
    batches = list(dls.test_dl(others, **arguments))
    assert sum(len(b[1]) for b in batches) == 6
    images, ids, lengths, class_ids = batches[0]
    assert torch.equal(lengths, (ids > 0).sum(1)) and images.keys[:2] == ['0', '0']
    assert len(dls.test_dl(items[0]).one_batch()[1]) == 1
    for wrong in (['a red bird'], 'a red bird', None):
        with pytest.raises(TypeError, match='CaptionedImage'):
            dls.test_dl(wrong)
    with pytest.raises(ValueError, match='is empty'):
        dls.test_dl([])
    with pytest.raises(DataError, match='not there'):
        dls.test_dl([replace(items[0], image='/nowhere.png')])


def test_loaders_without_fastai():
    items = entries(10)
    vocab = Vocab.from_captions(c for it in items for c in it.captions)
    data = CaptionDataset(items, vocab, TINY)
    loader = DataLoader(data, batch_size=4, shuffle=True, collate_fn=data.collate, num_workers=2)
    sizes = [[tuple(im.shape[1:]) for im in images] for images, *_ in loader]
    assert sizes == [[(3, s, s) for s in TINY.sizes]]*3


def test_batch_imports_no_fastai():
    script = 'import sys; from attngan import batch, files, paperbirds; '
    script += "print([m for m in ('fastai', 'pandas', 'scipy', 'matplotlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True)
    assert done.stdout == '[]\n', done


# ---------------------------------------------------------------- damaged data sets

def damaged(cub, path, data=None):
    "Delete or replace one file of a CUB."
    if data is None:
        (cub/path).unlink()
    else:
        files.write(cub/path, data)
    with pytest.raises((ValueError, FileNotFoundError)) as error:
        files.cub_items(cub)
    return str(error.value)


@pytest.mark.parametrize('path, data, message', [
    ('CUB_200_2011/images/{}.jpg', None, 'the picture is not there'),
    ('CUB_200_2011/images/{}.jpg', 'torn', '{}.jpg'),
    ('text/{}.txt', None, 'no captions'),
    ('text/{}.txt', '…\n!\n', 'no caption with a word'),
    ('train/class_info.pickle', [1, 2], 'expected a list of 6 class numbers'),
    ('train/filenames.pickle', {'a': 1}, 'expected a list of names'),
    ('train/filenames.pickle', None, 'as the authors of AttnGAN lay them out'),
    ('CUB_200_2011/images.txt', '1\n', 'images.txt, line 1: expected 2 fields'),
    ('CUB_200_2011/bounding_boxes.txt', 'one 2 3 4 5', 'bounding_boxes.txt: expected lines')])
def test_a_damaged_file_of_cub(cub, path, data, message):
    name = files.load_pickle(cub/'train'/'filenames.pickle')[1]
    assert message.format(name) in damaged(cub, path.format(name), data)


class Canary:
    "Unpickled by Python's own loader, it creates a file."
    def __reduce__(self):
        return Path.touch, (Path('alive'),)


@pytest.mark.parametrize('name', ['train/filenames.pickle', 'train/class_info.pickle',
                                  'test/filenames.pickle', 'test/class_info.pickle'])
def test_a_pickle_that_runs_code(cub, name, monkeypatch):
    monkeypatch.chdir(cub)
    assert name in damaged(cub, name, Canary())
    assert not (cub/'alive').exists()


def test_every_fault_at_once(cub):
    names = files.load_pickle(cub/'train'/'filenames.pickle')
    images = cub/'CUB_200_2011'/'images'
    files.write(cub/'train'/'filenames.pickle', [*names, names[0], 'nowhere/nobody'])
    files.write(cub/'train'/'class_info.pickle', [1, 1, 1, 2, 2, 2, 1, 2])
    (images/f'{names[1]}.jpg').unlink()
    files.write(images/f'{names[2]}.jpg', 'torn')
    (cub/'text'/f'{names[3]}.txt').unlink()
    files.write(cub/'text'/f'{names[4]}.txt', '?!')
    boxes = (cub/'CUB_200_2011'/'bounding_boxes.txt').read_text().split('\n')
    boxes[5] = '6 1.0 1.0 0.0 9.0'
    files.write(cub/'CUB_200_2011'/'bounding_boxes.txt', '\n'.join(boxes))
    faults = Faults()
    left, _ = files.cub_items(cub, faults)
    assert [it.key for it in left] == names[:1]
    assert Counter(f.kind for f in faults) == dict(missing=4, box=2, caption=1, key=1)
    with pytest.raises(DataError) as error:
        files.cub_items(cub)
    assert error.value.faults == faults and all(name in str(error.value) for name in names)


def test_skip_bad(tmp_path):
    fill(tmp_path, 'abcdefgh')
    files.write(tmp_path/'a.txt', 'a <b>bird</b>\n?!\na bird')
    files.write(tmp_path/'b.png', b'torn')
    files.write(tmp_path/'c.txt', '!!')
    files.write(tmp_path/'lost.txt', 'a lost bird')
    with pytest.raises(DataError, match='skip_bad=True'):
        ImageCaptionDataLoaders.from_folder(tmp_path, config=TINY, **SMALL)
    read = ImageCaptionDataLoaders.from_folder
    dls, said = warned(lambda: read(tmp_path, config=TINY, skip_bad=True, **SMALL))
    assert sorted(it.key for it in dls.items) == [f'{n}.png' for n in 'adefgh']
    kinds = Counter(f.kind for f in dls.check())
    assert kinds == dict(missing=1, caption=1, picture=1, odd=2)
    assert any('left out, or odd' in s for s in said)


def test_a_torn_picture_stops_training_with_its_name(tmp_path):
    fill(tmp_path, 'abcdefgh')
    files.write(tmp_path/'b.png', b'torn')
    for workers in (0, 2):
        read = ImageCaptionDataLoaders.from_folder
        dls = read(tmp_path, config=TINY, num_workers=workers, **SMALL)
        with pytest.raises(ValueError, match='b.png: not a picture'):
            for loader in dls:
                list(loader)


def test_captions_without_a_known_word():
    items = entries(8) + [CaptionedImage(picture(), ['zebra', 'a red bird'], key='z')]
    vocab = Vocab.from_captions(['a red bird'])
    build = ImageCaptionDataLoaders.from_items
    dls, said = warned(lambda: build(items, entries(2), TINY, vocab=vocab, **SMALL))
    assert dls.items[8].captions == ['a red bird']
    assert any("'zebra' of z" in s for s in said)
    assert "no word of 'zebra' is known" in str(dls.check())
    with pytest.raises(ValueError, match='knows no word of any caption'):
        build(entries(8), entries(2), TINY, vocab=Vocab.from_captions(['zebra']), **SMALL)
    with pytest.raises(ValueError, match="not 'all'"):
        build(entries(8), entries(2), TINY, vocab='all', **SMALL)


def encoded(size=(50, 50), kind='PNG', mode='RGB'):
    file = io.BytesIO()
    Image.new(mode, size).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize('data, message', [
    (b'a red bird', 'not a picture'),
    (encoded()[:60], 'not a picture'),
    (encoded((10_000, 5_000), mode='1'), 'more than 40 million'),
    (encoded((1, 60)), 'a strip'),
    (encoded(kind='EPS'), 'not a picture'),
    (encoded(kind='PPM'), 'not a picture')])
def test_what_is_no_picture(tmp_path, data, message):
    (tmp_path/'a.jpg').write_bytes(data)
    with pytest.raises(ValueError, match=f'a.jpg: .*{message}'):
        files.open_picture(tmp_path/'a.jpg')


@pytest.mark.parametrize('box', [(0, 0, 0, 9), (5, 5, -3, 9), (float('nan'), 0, 5, 5),
                                 (0, 0, float('inf'), 5), (600, 10, 40, 20), (-49, 100, 40, 40)])
def test_impossible_boxes(box):
    with pytest.raises(ValueError):
        files.open_picture(picture(300), box)


def test_any_kind_of_picture(tmp_path):
    "Print colours, palettes, 16 bits, transparency, EXIF: the right colours, the right way up."
    field = np.full((40, 60, 3), (200, 30, 30), 'uint8')
    field[:20, :30] = (30, 30, 200)
    rgb = Image.fromarray(field)
    alpha = rgb.convert('RGBA')
    opaque = np.where(np.arange(60) < 45, 255, 0).astype('uint8')
    alpha.putalpha(Image.fromarray(opaque[None].repeat(40, 0)))
    exif = Image.Exif()
    exif[0x0112] = 6
    made = [rgb, rgb.convert('CMYK'), rgb.quantize(8), alpha, alpha.quantize(8)]
    for i, im in enumerate(made):
        im.save(tmp_path/f'{i}.tif')
    rgb.rotate(90, expand=True).save(tmp_path/'9.jpg', exif=exif, quality=95)
    for path in tmp_path.iterdir():
        x = np.asarray(files.open_picture(path)).astype(int)
        assert x.shape == (40, 60, 3)
        assert abs(x[4:16, 4:26] - (30, 30, 200)).max() < 12
        assert abs(x[24:36, 4:40] - (200, 30, 30)).max() < 12
    grey = np.asarray(rgb.convert('L'))
    Image.fromarray(grey.astype('uint16')*257).save(tmp_path/'grey.png')
    assert (np.asarray(files.open_picture(tmp_path/'grey.png'))[..., 0] == grey).all()


# ---------------------------------------------------------------- cache

def test_an_interrupted_cache(tmp_path):
    def interrupted():
        yield np.zeros(3)
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        array_cache(tmp_path/'half', 'zeros', interrupted)
    assert not list(tmp_path.iterdir())


def test_two_processes_make_the_same_cache(tmp_path):
    def squares():
        for i in range(3):
            yield np.full((i + 1, 2), i*i, 'float32')
    def overtaken():
        with mock.patch('os.getpid', lambda: 0):
            array_cache(tmp_path/'twice', 'squares', squares)
        yield from squares()
    cache = array_cache(tmp_path/'twice', 'squares', overtaken)
    assert all((a == b).all() for a, b in zip(cache, squares()))
    assert len(list(tmp_path.iterdir())) == 2                         # file and index
    assert len(pickle.dumps(cache)) < 1000


def test_a_damaged_cache(tmp_path):
    def ones():
        yield from np.ones((3, 4), 'float32')
    path = tmp_path/'ones'
    array_cache(path, 'ones', ones)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match='array 2 is damaged'):
        array_cache(path, 'ones', ones)[2]
    path.write_bytes(data + b'!')                                     # another length: made again
    assert array_cache(path, 'ones', ones)[2].tolist() == [1]*4
    (tmp_path/'ones.json').write_text('[]')                           # no index: made again
    assert array_cache(path, 'ones', ones)[2].tolist() == [1]*4


def test_a_cache_follows_its_pictures(tmp_path):
    fill(tmp_path, 'abc')
    items = [CaptionedImage(tmp_path/f'{n}.png', ['a bird'], key=n) for n in 'abc']
    first = cache_pictures(items, 8, tmp_path/'cache')
    files.write(tmp_path/'b.png', picture(17, 200))
    second = cache_pictures(items, 8, tmp_path/'cache')
    assert first[0].image.read().shape == (8, 8, 3)
    assert second[1].image.read().min() == 200
    items[2].box = (0, 0, 4, 4)
    assert cache_pictures(items, 8, tmp_path/'cache')[2].image.cache.rows


def test_the_same_batches_from_a_cache(original, tmp_path):
    def batches(cache):
        random.seed(7)
        dls = ImageCaptionDataLoaders.from_cub(original/'cub', TINY, cache=cache, **SMALL)
        return [batch for loader in dls for batch in list(loader)[:3]]
    for a, b in zip(batches(None), batches(tmp_path/'cache'), strict=True):
        assert torch.equal(a[0][-1], b[0][-1]) and torch.equal(a[1], b[1])


def test_a_cache_of_pictures_that_are_read(tmp_path):
    class Picture:
        def read(self):
            return picture(17, 200)
    items = [CaptionedImage(Picture(), ['a bird'], key='a')]
    first, = cache_pictures(items, 17, tmp_path/'cache')
    again, = cache_pictures(items, 17, tmp_path/'cache')
    assert first.image.read().shape == (17, 17, 3)
    assert origin(first) == origin(again)               # … in a cache of the cached, too


def test_a_cache_of_two_splits_with_the_same_keys(tmp_path):
    train = entries(8)
    valid = [replace(it, image=255 - it.image) for it in train]
    kept = keep_pictures(train, valid, 8, tmp_path/'cache')
    assert not np.array_equal(kept[0][0].image.read(), kept[1][0].image.read())


# ---------------------------------------------------------------- processes and memory

def read_with_spawned_workers(folder):
    torch.multiprocessing.set_start_method('spawn')
    files.synthetic_fashiongen(folder, n=12, size=64)
    read = ImageCaptionDataLoaders.from_fashiongen
    alone, two = (read(folder, bs=2, num_workers=n, device='cpu') for n in (0, 2))
    for a, b in zip(alone.valid, two.valid, strict=True):
        assert torch.equal(a[0][-1], b[0][-1]) and torch.equal(a[1], b[1])
        assert a[0].keys == b[0].keys


def test_workers_that_start_from_nothing(tmp_path):
    "As on macOS and Windows: nothing is inherited, everything is pickled."
    run(read_with_spawned_workers, tmp_path)


def test_workers_that_are_forked(original):
    "Also when the main process has just read from the file."
    read = ImageCaptionDataLoaders.from_fashiongen
    alone = read(original/'fashiongen', config=TINY, bs=2, device='cpu')
    two = read(original/'fashiongen', config=TINY, bs=2, num_workers=2, device='cpu')
    for a, b in zip(alone.valid, two.valid, strict=True):
        assert torch.equal(a[0][-1], b[0][-1]) and a[0].keys == b[0].keys


def memory_of_a_batch(folder):
    import h5py
    n = 6000
    for split in ('train', 'validation'):
        with h5py.File(f'{folder}/fashiongen_256_256_{split}.h5', 'w') as f:
            f.create_dataset('input_image', (n, 256, 256, 3), 'uint8')
            f['input_description'] = np.array([[b'A red dress. Made of paper.']]*n)
            f['input_category'] = np.array([[b'DRESSES']]*n)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ImageCaptionDataLoaders.from_fashiongen(folder, bs=8).one_batch()
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)/1024)


@pytest.mark.skipif(sys.platform != 'linux', reason='a file with holes, and memory in kilobytes')
def test_pictures_stay_in_the_file(tmp_path):
    "Two files of 1.2 GB (of nothing, which takes no space); a batch of them takes a hundredth."
    assert float(run(memory_of_a_batch, tmp_path)) < 200


def test_reading_changes_no_limit_of_the_process(original):
    "Four threads read; afterwards the process may still have as much memory as before."
    items = files.fashiongen_items(original/'fashiongen')[0]
    before = resource.getrlimit(resource.RLIMIT_AS)
    wrong = []
    def read():
        for it in items*20:
            if it.image.read().shape != (32, 32, 3):
                wrong.append(it)
    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and resource.getrlimit(resource.RLIMIT_AS) == before


def test_one_handle_for_a_file(original):
    items = files.fashiongen_items(original/'fashiongen')[0]
    items[0].image.read()
    handles = dict(files._handles)
    items[1].image.read()
    assert handles == files._handles and len(handles) <= 8
    if hasattr(os, 'fork'):
        pid = os.fork()
        if not pid:
            os._exit(len(files._handles))                             # closed before the fork
        assert os.waitpid(pid, 0)[1] == 0
        assert items[0].image.read().shape == (32, 32, 3)


def test_strings_of_any_length_are_refused(tmp_path):
    import h5py
    files.synthetic_fashiongen(tmp_path, n=12, size=32)
    with h5py.File(tmp_path/'fashiongen_256_256_train.h5', 'a') as f:
        texts = [t[0].decode('latin1') for t in f['input_description'][:]]
        del f['input_description']
        f.create_dataset('input_description', data=texts, dtype=h5py.string_dtype())
    with pytest.raises(ValueError, match='fixed length'):
        files.fashiongen_items(tmp_path)


def test_without_h5py(original, monkeypatch):
    monkeypatch.setitem(sys.modules, 'h5py', None)
    with pytest.raises(ImportError, match=r"pip install 'attngan\[fashiongen\]'"):
        files.fashiongen_items(original/'fashiongen')


def read_birds_without_h5py():
    sys.modules['h5py'] = None
    ImageCaptionDataLoaders.from_paperbirds(n=8, n_valid=4, bs=4).one_batch()


def test_other_data_needs_no_h5py():
    run(read_birds_without_h5py)


def test_extras_are_read_from_settings():
    ini = ConfigParser(delimiters=['='])
    ini.read(ROOT/'settings.ini', encoding='utf-8')
    assert 'fashiongen=h5py' in ini['DEFAULT']['extras'].split('\n')
    assert 'h5py' in ini['DEFAULT']['dev_requirements'].split()


def test_workers_change_no_batch(original):
    "Three epochs with no worker, one and two; `random` goes on as if nothing had been drawn."
    def epochs(workers):
        random.seed(7)
        dls = ImageCaptionDataLoaders.from_cub(original/'cub', TINY, num_workers=workers, **SMALL)
        batches = [[(im[-1], ids, im.keys) for im, ids, *_ in dls.train] for _ in range(3)]
        return batches, random.random()
    (alone, after), *others = [epochs(n) for n in (0, 1, 2)]
    for other, then in others:
        assert then == after
        for a, b in zip(sum(alone, []), sum(other, []), strict=True):
            assert torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) and a[2] == b[2]


def fit_quietly(learn, metrics=()):
    learn.metrics = metrics
    with learn.no_bar(), learn.no_logging():
        learn.fit(2)
    return learn


def train_twice(folder):
    "Two epochs of the DAMSM and two of the GAN, with no worker, one and two: the same weights."
    files.synthetic_cub(folder, n=13, size=32)
    def weights(workers):
        random.seed(3)
        torch.manual_seed(3)
        dls = ImageCaptionDataLoaders.from_cub(folder, TINY, num_workers=workers, device='cpu')
        damsm = fit_quietly(damsm_learner(dls))
        gan = fit_quietly(attngan_learner(dls, damsm))
        return gan.model.state_dict()
    alone, *others = [weights(n) for n in (0, 1, 2)]
    assert any(k.startswith('damsm') for k in alone) and len(alone) > 100
    for other in others:
        for name, value in alone.items():
            assert torch.equal(value, other[name]), name


def test_workers_change_no_weight(tmp_path):
    run(train_twice, tmp_path)


# ---------------------------------------------------------------- paper birds

def test_paper_birds_in_one_process_and_in_two():
    one = PaperBirds('train', n=300, cache=False, workers=1)
    two = PaperBirds('train', n=300, cache=False, workers=2)
    assert (one.images == two.images).all() and (one.masks == two.masks).all()
    assert (PaperBirds('train', n=1, seed=1, cache=False).images != one.images[:1]).any()


def test_paper_birds_are_kept(tmp_path, monkeypatch):
    monkeypatch.setenv('ATTNGAN_CACHE', str(tmp_path))
    first = PaperBirds('valid', n=30)
    assert len(list(tmp_path.iterdir())) == 1                         # one file, nothing temporary
    with mock.patch.object(PaperBirds, '_drawn', side_effect=AssertionError):
        second = PaperBirds('valid', n=30)
    assert (first.images == second.images).all()
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match='are damaged.*they are drawn again'):
        PaperBirds('valid', n=30)


def test_paper_birds_refuse():
    with pytest.raises(ValueError, match='1 or more'):
        PaperBirds('train', n=0)
    with pytest.raises(ValueError, match="'valid' or 'test'"):
        PaperBirds('validation')


# ---------------------------------------------------------------- real pictures

def real(name):
    "The folder of real pictures, or a reason to skip."
    places = [os.environ.get('ATTNGAN_REAL'), ROOT.parent/'shared'/'real']
    for place in filter(None, places):
        if (Path(place)/name).is_dir():
            return Path(place)/name
    pytest.skip(f'no real pictures: let ATTNGAN_REAL point to a folder with {name}/')


def test_all_of_cub():
    folder = real('cub')
    vocab = Vocab.from_pickle(folder/'captions.pickle')
    dls = ImageCaptionDataLoaders.from_cub(folder, vocab=vocab, device='cpu')
    assert (len(dls.train_ds), len(dls.valid_ds)) == (8855, 29330) and dls.faults == []
    assert len(vocab) == 5450
    splits = files.load_pickle(folder/'captions.pickle')[:2]
    ours = (dls.items[:8855], dls.items[8855:])
    for items, authors in zip(ours, splits, strict=True):
        captions = [c for it in items for c in it.captions]
        assert len(captions) == len(authors)
        for caption, ids in zip(captions, authors):
            assert list(vocab.known(caption)) == list(ids), caption
    images, ids, lengths, class_ids = dls.one_batch()
    assert images[-1].shape == (20, 3, 256, 256) and images[-1].std() > .1


def test_real_clothes():
    folder = real('fashion')
    dls = ImageCaptionDataLoaders.from_csv(folder/'captions.csv', device='cpu')
    assert len(dls.items) == 14_221 and dls.faults == []
    assert len({it.class_id for it in dls.items}) == 680       # as many as different labels
    assert dls.one_batch()[0][-1].std() > .1


if __name__ == '__main__':
    globals()[sys.argv[1]](*sys.argv[2:])


def test_species_held_out_for_validation(tmp_path):
    files.synthetic_cub(tmp_path/'birds', n=12)
    whole = ImageCaptionDataLoaders.from_cub(tmp_path/'birds', bs=4, device='cpu')
    held = ImageCaptionDataLoaders.from_cub(tmp_path/'birds', bs=4, device='cpu', valid_species=2)
    train = {item.class_id for item in held.train_ds.items}
    valid = {item.class_id for item in held.valid_ds.items}
    keys = {item.key for item in held.items}
    assert keys == {item.key for item in whole.train_ds.items}      # no test species among them
    assert len(valid) == 2 and not train & valid
    assert all(len(item.captions) == 1 for item in held.valid_ds.items)
    with pytest.raises(ValueError, match='cannot be held out'):
        ImageCaptionDataLoaders.from_cub(tmp_path/'birds', bs=4, valid_species=99)


def test_zoom_of_the_configuration():
    wide = np.zeros((64, 80, 3), np.uint8)
    wide[:, :, 0] = np.arange(80)
    items = [files.CaptionedImage(wide, ['a bird']) for _ in range(8)]
    config = Config(generator=GeneratorConfig(base=16),
                    training=TrainingConfig(bs=2, zoom=1.))
    dls = ImageCaptionDataLoaders.from_items(items, items, config, device='cpu')
    red = [dls.train_ds[0][0][0] for _ in range(30)]                # (64, 64) each
    assert all(abs(x[0].float().diff()).max() == 1 for x in red)    # nothing was resized
    assert len({x[0, 0].item() for x in red}) > 3                   # cut at random along the side
    with pytest.raises(ValueError, match='zoom'):
        TrainingConfig(zoom=.5)
