"""Killed, interrupted, out of space: a training that resumes ends as if nothing had happened.
Real processes, real signals; what they do is in processes/.

ATTNGAN_KILLS=10 kills the DAMSM and the GAN ten times each; ATTNGAN_MINUTES=40 trains so long
under a memory limit."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROCESSES = Path(__file__).parent/'processes'
KILLS = int(os.environ.get('ATTNGAN_KILLS', 3))
MINUTES = float(os.environ.get('ATTNGAN_MINUTES', 0))
ENV = {**os.environ, 'MPLBACKEND': 'agg', 'OMP_NUM_THREADS': '1', 'PYTHONWARNINGS': 'ignore'}
CHECKS = 'killed_damsm killed_gan interrupted while_writing full_disk workers'.split()


def run(script, *args):
    command = [sys.executable, PROCESSES/script, *map(str, args)]
    done = subprocess.run(command, env=ENV, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


# --- one process

@pytest.fixture(scope='module')
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp('killed')
    run('kill.py', folder, KILLS)
    return json.loads((folder/'found.json').read_text())


@pytest.mark.parametrize('check', CHECKS)
def test_resumes(found, check):
    print(found[check])
    assert not isinstance(found[check], str), found[check]


# --- several processes

def start_two(folder, name, wait=0., by_torchrun=True):
    "Two processes that train together, started by torchrun or by hand."
    command = [sys.executable]
    script = [str(PROCESSES/'train_together.py'), str(folder), name, str(wait)]
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if by_torchrun:
        command += ['-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', '2']
        return [subprocess.Popen([*command, *script], env=ENV, **pipes)]
    with socket.socket() as s:
        s.bind(('', 0))
        port = str(s.getsockname()[1])
    started = []
    for rank in '01':
        env = {**ENV, 'RANK': rank, 'LOCAL_RANK': rank, 'WORLD_SIZE': '2',
               'MASTER_ADDR': '127.0.0.1', 'MASTER_PORT': port}
        started.append(subprocess.Popen([*command, *script], env=env, **pipes))
    return started


def wait_for_batch(file, batch, seconds=600):
    "Until a process has written that it has finished `batch`. → its process id."
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        words = file.read_text().split() if file.exists() else []
        if len(words) == 2 and int(words[1]) >= batch:
            return int(words[0])
        time.sleep(.01)
    raise AssertionError(f'no batch {batch} after {seconds} seconds')


def kill_one(folder, victim, batch, running):
    "Kill a process after a batch. → seconds until all have ended, and what they printed."
    file = folder/f'{victim}.at'
    file.unlink(missing_ok=True)
    pid = wait_for_batch(file, batch)
    start = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    printed = ''.join(p.communicate(timeout=60)[0] for p in running)
    assert any(p.returncode for p in running)
    return time.monotonic() - start, printed


def finish(folder, name):
    (process,) = start_two(folder, name)
    printed = process.communicate(timeout=900)[0]
    assert process.returncode == 0, printed[-3000:]


WAYS = [(1, True)]
if 'ATTNGAN_KILLS' in os.environ:
    WAYS += [(0, True), (1, False), (0, False)]


def test_one_of_two_is_killed(tmp_path):
    "The other ends within 30 seconds and says why; both resume, and end as two that nobody killed."
    finish(tmp_path, 'whole')
    for victim, by_torchrun in WAYS:
        name = f'killed{victim}{by_torchrun}'
        running = start_two(tmp_path, name, .2, by_torchrun)
        took, printed = kill_one(tmp_path, victim, 7, running)
        reason = re.search('.*(Signal 9|Connection closed|reset by peer|Broken pipe).*', printed)
        print(f'process {victim}, {by_torchrun=}: {took:.1f} s; {reason[0].strip()}')
        assert took < 30
        finish(tmp_path, name)
        for rank in range(2):
            resumed = json.loads((tmp_path/f'{name}.{rank}.json').read_text())
            assert resumed == json.loads((tmp_path/f'whole.{rank}.json').read_text()), rank


# --- a notebook

SLOW = f"""
import signal, sys, time
sys.path.insert(0, {str(PROCESSES)!r})
from fastai.callback.core import Callback
from attngan.resuming import checkpoints
from train_tiny import train

class Slow(Callback):
    def after_pred(self):
        if self.training and self.train_iter == 6:
            print('now', flush=True)
            time.sleep(3)
"""


def interrupt(manager, client):
    "Press the button when the cell prints 'now'. → name and message of the error that ends it."
    error = None
    while error is None:
        message = client.get_iopub_msg(timeout=180)
        kind = message['msg_type']
        content = message['content']
        if kind == 'stream' and 'now' in content['text'].split():
            manager.interrupt_kernel()
        if kind == 'error':
            error = content['ename'], content['evalue']
        idle = kind == 'status' and content['execution_state'] == 'idle'
        if idle and message['parent_header'].get('msg_type') == 'execute_request':
            error = error or ('none', '')
    return error


def test_interrupted_in_a_notebook(tmp_path):
    "The batch ends, a file is written, the cell ends with KeyboardInterrupt, the next cell runs."
    from jupyter_client.manager import start_new_kernel
    manager, client = start_new_kernel(kernel_name='python3', env=ENV, startup_timeout=120)
    folder = str(tmp_path)
    try:
        code = f"{SLOW}\ntrain('damsm', {folder!r}, False, cbs=[Slow()])"
        client.execute(code, stop_on_error=False)
        name, text = interrupt(manager, client)
        assert name == 'KeyboardInterrupt' and 'continues from' in text, (name, text)
        code = (f"assert [f.stem for f in checkpoints({folder!r})][-1] == '00000007'\n"
                f"train('damsm', {folder!r}, True)\nsignal.getsignal(signal.SIGINT)")
        reply = client.execute_interactive(code, timeout=180, output_hook=lambda message: None)
        assert reply['content']['status'] == 'ok', reply['content']
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


# --- a long run

@pytest.mark.skipif(not MINUTES, reason='ATTNGAN_MINUTES=40 trains paper birds for forty minutes')
def test_a_long_run(tmp_path):
    "No growth under a limit 20 % above the start, no file left open, as many logs as asked for."
    run('long_run.py', tmp_path, MINUTES)
    found = json.loads((tmp_path/'found.json').read_text())
    print(found)
    for name in ('DAMSMLearner', 'AttnGANLearner'):
        x = found[name]
        assert x['peak'] <= 1.2*x['start'], x
        assert x['late'] <= 1.05*x['early'], x
        assert x['files'][1] <= x['files'][0], x
    assert sorted(found['logs']) == ['train.log', 'train.log.1', 'train.log.2']
    assert max(found['logs'].values()) <= 1000
    assert found['checkpoints'] == [3, 3]
