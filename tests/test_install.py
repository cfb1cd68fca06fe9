"What a notebook can't test: a fresh installation with the newest fastai, used from another folder, and the console."
import os, subprocess, sys, time
from pathlib import Path
import pytest

TOP = Path(__file__).parent.parent
CAPTION = 'this small bird has a red crown, a yellow belly and a long black beak'

def run(*command, **kwargs): return subprocess.run([str(c) for c in command], capture_output=True, text=True, **kwargs)

@pytest.fixture(scope='session')
def installed(tmp_path_factory):
    "`bin` of a virtual environment into which a copy of the repository was installed, as a user does."
    d = tmp_path_factory.mktemp('user')
    assert run('git', 'clone', '-q', TOP, d/'clone').returncode == 0
    assert run(sys.executable, '-m', 'venv', d/'venv').returncode == 0
    done = run(d/'venv/bin/pip', 'install', '-q', '.', cwd=d/'clone')
    assert done.returncode == 0, done.stderr[-2000:]
    return d/'venv/bin'

def test_generate_writes_a_picture_within_a_minute(installed, tmp_path):
    start = time.monotonic(); done = run(installed/'attngan_generate', CAPTION, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert time.monotonic() - start < 60
    assert (tmp_path/'attngan.png').read_bytes()[:8] == b'\x89PNG\r\n\x1a\n'

def test_user_has_the_newest_fastcore(installed):
    done = run(installed/'python', '-c', 'import fastcore; print(fastcore.__version__)')
    assert int(done.stdout.split('.')[0]) >= 2, done.stdout

def test_bad_caption_says_so_and_writes_nothing(installed, tmp_path):
    done = run(installed/'attngan_generate', '', cwd=tmp_path)
    assert done.returncode == 2 and 'no words' in done.stderr and not list(tmp_path.iterdir())

def test_import_says_what_is_missing_and_writes_nothing(installed, tmp_path):
    done = run(installed/'attngan_import', tmp_path, '-o', 'out', cwd=tmp_path)
    assert done.returncode == 2 and 'has no generator' in done.stderr and not list(tmp_path.iterdir())

def test_train_then_generate(installed, tmp_path):
    env = {**os.environ, 'ATTNGAN_CACHE': str(tmp_path/'cache')}
    done = run(installed/'attngan_train', '--minutes', '.4', '--n', '300', '--out', 'mine', cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    done = run(installed/'attngan_generate', CAPTION, '-m', 'mine', '-o', 'bird.png', cwd=tmp_path)
    assert done.returncode == 0 and (tmp_path/'bird.png').stat().st_size > 10_000, done.stderr[-2000:]
