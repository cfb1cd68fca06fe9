"""What a notebook can't test: a fresh installation with the newest fastai, used from another
folder, and how long the first picture takes."""
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
CAPTION = 'this small bird has a red crown, a yellow belly and a long black beak'


def run(*command, **kwargs):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, **kwargs)


@pytest.fixture(scope='session')
def installed(tmp_path_factory):
    "`bin` of a virtual environment with a copy of the repository, as a user installs it."
    folder = tmp_path_factory.mktemp('user')
    for command, where in (
        (('git', 'clone', '-q', TOP, folder/'clone'), folder),
        ((sys.executable, '-m', 'venv', folder/'venv'), folder),
        ((folder/'venv/bin/pip', 'install', '-q', '.'), folder/'clone'),
    ):
        done = run(*command, cwd=where)
        assert done.returncode == 0, done.stderr[-2000:]
    return folder/'venv/bin'


def test_generate_writes_a_picture(installed, tmp_path):
    done = run(installed/'attngan_generate', CAPTION, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == 'attngan.png' and not done.stderr
    assert (tmp_path/'attngan.png').read_bytes()[:8] == b'\x89PNG\r\n\x1a\n'


def test_user_has_the_newest_fastcore(installed):
    done = run(installed/'python', '-c', 'import fastcore; print(fastcore.__version__)')
    assert int(done.stdout.split('.')[0]) >= 2, done.stdout


def test_bad_caption_says_so_and_writes_nothing(installed, tmp_path):
    done = run(installed/'attngan_generate', '', cwd=tmp_path)
    assert done.returncode == 2 and 'no words' in done.stderr
    assert not list(tmp_path.iterdir())


def test_import_says_what_is_missing_and_writes_nothing(installed, tmp_path):
    done = run(installed/'attngan_import', tmp_path, '-o', 'out', cwd=tmp_path)
    assert done.returncode == 2 and 'has no generator' in done.stderr
    assert not list(tmp_path.iterdir())


def test_train_then_generate(installed, tmp_path):
    env = {**os.environ, 'ATTNGAN_CACHE': str(tmp_path/'cache')}
    options = '--minutes', '.4', '-n', '300', '--out', 'mine'
    done = run(installed/'attngan_train', *options, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    done = run(installed/'attngan_generate', CAPTION, '-m', 'mine', '-o', 'bird.png', cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path/'bird.png').stat().st_size > 10_000


# the limits of CPU time, which a busy machine changes less than the time on the wall

PYTORCH = 'import torch, torchvision'
INFERENCE = 'import attngan.inference'
GENERATE = ('import sys; sys.argv = ["attngan_generate", "a red bird"]; '
            'from attngan.cli import generate_command; generate_command()')


def cpu_seconds(code, folder):
    "Seconds of processor time that a program takes in a process of its own."
    before = os.times()
    done = run(sys.executable, '-c', code, cwd=folder)
    after = os.times()
    assert done.returncode == 0, done.stderr[-2000:]
    return (after.children_user - before.children_user
            + after.children_system - before.children_system)


def ratio(code, folder, turns=5):
    "Median over several turns of a program, divided by that of importing PyTorch."
    took = {PYTORCH: [], code: []}
    for _ in range(turns):
        for program, seconds in took.items():
            seconds.append(cpu_seconds(program, folder))
    return statistics.median(took[code])/statistics.median(took[PYTORCH])


@pytest.mark.parametrize('code, most', [(INFERENCE, 1.25), (GENERATE, 1.5)],
                         ids=['inference', 'generate'])
def test_the_first_picture_costs_little_more_than_pytorch(code, most, tmp_path):
    cpu_seconds(code, tmp_path)                                   # files are in memory afterwards
    assert ratio(code, tmp_path) <= most
