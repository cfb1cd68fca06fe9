"The examples run as they stand."
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

from attngan.inference import TextToImage

EXAMPLES = Path(__file__).parent.parent/'examples'
TRAIN = EXAMPLES/'train.py'


def run_without_fastai(path, folder):
    sys.argv = [path, '--n', '64', '--epochs', '1', '--out', folder]
    runpy.run_path(path, run_name='__main__')
    assert not {'fastai', 'pandas', 'nltk'} & set(sys.modules)


def test_plain_training_makes_a_model(tmp_path):
    folder = tmp_path/'model'
    command = [sys.executable, __file__, str(TRAIN), str(folder)]
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


if __name__ == '__main__':
    run_without_fastai(*sys.argv[1:])
