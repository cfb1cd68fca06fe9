"""Two and three processes against one: the same losses and gradients, each picture once,
one writer, one end. Real processes, started by torchrun, that communicate through gloo on
the CPU. What they do is in processes/compare.py."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROCESSES = Path(__file__).parent/'processes'
ENV = {**os.environ, 'MPLBACKEND': 'agg', 'OMP_NUM_THREADS': '1', 'PYTHONWARNINGS': 'ignore'}
CHECKS = (
    'damsm', 'no_classes', 'small_groups', 'wide_groups', 'gan', 'paper',
    'shares', 'fit', 'precision', 'too_few', 'time',
)


def torchrun(n, *command, timeout=1200):
    "Run a script in `n` processes. After `timeout` seconds torchrun is told to end, and ends them."
    start = ['-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', str(n)]
    process = subprocess.Popen(
        [sys.executable, *start, *map(str, command)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENV,
    )
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.terminate()
        out, err = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.fixture(scope='module', params=[2, 3])
def found(request, tmp_path_factory):
    "What each process has found."
    folder = tmp_path_factory.mktemp(f'processes{request.param}')
    done = torchrun(request.param, PROCESSES/'compare.py', folder, request.param)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads((folder/f'{r}.json').read_text()) for r in range(request.param)]


@pytest.mark.parametrize('check', CHECKS)
def test_processes(found, check):
    for r, of_process in enumerate(found):
        print(f'process {r}: {of_process[check]}')
        assert isinstance(of_process[check], (int, float)), f'process {r}: {of_process[check]}'


def test_only_the_first_prints_tables(found):
    "Two epochs of three Learners make six rows."
    assert [of_process['fit'] for of_process in found] == [6] + [0]*(len(found) - 1)


def test_the_command(tmp_path):
    "attngan_train in two processes: they end together, and the first saves a model that draws."
    options = ['--minutes', '.1', '-n', '200', '--out', tmp_path/'mine']
    done = torchrun(2, PROCESSES/'train_command.py', *options)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count('saved to') == 1
    from attngan.inference import TextToImage
    model = TextToImage.from_pretrained(tmp_path/'mine')
    assert model.generate('a red bird').images[0].size == (64, 64)
