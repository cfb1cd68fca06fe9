"The examples run as they stand."
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from attngan.data import ImageCaptionDataLoaders
from attngan.files import synthetic_cub
from attngan.inference import TextToImage, load_damsm, save_damsm
from attngan.photographs import photographs

EXAMPLES = Path(__file__).parent.parent/'examples'
WITHOUT_FASTAI = Path(__file__).parent/'processes/without_fastai.py'


def test_plain_training_makes_a_model(tmp_path):
    folder = tmp_path/'model'
    command = [sys.executable, str(WITHOUT_FASTAI), str(EXAMPLES/'train.py'),
               '--n', '64', '--epochs', '1', '--out', str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert 'DAMSM epoch 0' in done.stdout and 'GAN epoch 0' in done.stdout
    out = TextToImage.from_pretrained(folder)('a red bird with a long beak', n=2, seed=0)
    assert [image.size for image in out.images] == [(64, 64)]*2


def test_race_measures_both_models(tmp_path):
    command = [sys.executable, str(EXAMPLES/'race.py'), '--minutes', '.03',
               '--n', '60', '--captions', '30', '--out', 'race.json', '--grid', 'race.png']
    environment = dict(os.environ, MPLBACKEND='agg')
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=tmp_path,
                          env=environment)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path/'race.json').read_text())
    models = result['models']
    assert set(models) == {'AttnGAN', 'flow, 16 steps, g = 3', 'flow, 16 steps, g = 1',
                           'flow, 4 steps, g = 3'}
    assert all(0 <= row['captions'] <= row['attributes'] <= 1 for row in models.values())
    assert result['steps']['generator'] > 0 and result['steps']['flow'] > 0
    assert (tmp_path/'race.png').stat().st_size > 10_000


@pytest.fixture(scope='module')
def cub(tmp_path_factory):
    "Synthetic pictures in the layout of CUB."
    folder = tmp_path_factory.mktemp('examples')/'cub'
    synthetic_cub(folder, n=100, size=64)
    add_part_points(folder/'CUB_200_2011')
    return folder


def add_part_points(folder):
    "Every part of every bird in the middle of its box."
    names = ['beak', 'belly', 'crown', 'left wing', 'tail']
    lines = []
    for box in (folder/'bounding_boxes.txt').read_text().splitlines():
        number, x, y, w, h = map(float, box.split())
        for part in range(1, len(names) + 1):
            lines.append(f'{number:.0f} {part} {x + w/2} {y + h/2} 1')
    parts = folder/'parts'
    parts.mkdir()
    numbered = [f'{i} {name}' for i, name in enumerate(names, 1)]
    (parts/'parts.txt').write_text('\n'.join(numbered) + '\n')
    (parts/'part_locs.txt').write_text('\n'.join(lines) + '\n')


def run_example(name, *words, cwd):
    command = [sys.executable, str(EXAMPLES/f'{name}.py'), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_damsm_and_grounding_on_cub(cub, tmp_path):
    said = run_example('cub_damsm', '--path', cub, '--epochs', 1, '--valid-species', 2,
                       '--out', 'damsm', cwd=tmp_path)
    assert 'saved to damsm' in said
    lines = (tmp_path/'damsm/log.jsonl').read_text().splitlines()
    assert [json.loads(line)['epoch'] for line in lines] == [1]
    run_example('cub_grounding', '--path', cub, '--damsm', 'damsm', '--out', 'found.json',
                cwd=tmp_path)
    found = json.loads((tmp_path/'found.json').read_text())
    assert found['rule'] == 'paper' and set(found) >= {'trained', 'untrained', 'by_cosine'}
    assert 0 <= found['r_precision']['mean'] <= 1


def test_the_papers_gan_on_cub(cub, tmp_path):
    torch.manual_seed(0)
    dls = ImageCaptionDataLoaders.from_cub(cub, photographs, valid_species=2, bs=4)
    damsm = photographs.new_damsm(len(dls.vocab), None)
    (tmp_path/'start').mkdir()
    save_damsm(damsm, dls.vocab, photographs, tmp_path/'start/damsm.safetensors')
    said = run_example('cub_gan_paper', '--path', cub, '--damsm', 'start', '--minutes', .05,
                       '--valid-species', 2, '--out', 'paper', cwd=tmp_path)
    assert 'saved to paper' in said
    model = TextToImage.from_pretrained(tmp_path/'paper')
    kept = load_damsm(tmp_path/'start/damsm.safetensors')[0].text_encoder.state_dict()
    for name, weight in model.text_encoder.state_dict().items():
        assert torch.equal(weight, kept[name]), name
    assert model('a bird').images[0].size == (64, 64)
