"""What tests/test_resuming.py kills: `kill.py FOLDER KILLS`.

Python and torch are loaded once; each training is a fork of this process.
"""

import json
import logging
import os
import random
import resource
import signal
import sys
import time
import traceback
from functools import cache
from pathlib import Path

from common import tiny, tiny_data
from train_tiny import train

from attngan import resuming
from attngan.resuming import checkpoints, read_state

BASE = Path(sys.argv[1])
KILLS = int(sys.argv[2])


def start(result, *args, before=None, **kwargs):
    "Train in a fork, which writes what `train` returns into the file `result`. → process id."
    pid = os.fork()
    if pid:
        return pid
    logging.getLogger('attngan').addHandler(logging.FileHandler(BASE/'log'))
    try:
        if before is not None:
            before()
        result.write_text(json.dumps(train(*args, **kwargs)))
        os._exit(0)
    except KeyboardInterrupt:
        os._exit(130)
    except BaseException:
        (BASE/'error').write_text(traceback.format_exc())
        os._exit(1)


def wait(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def train_whole(result, *args, **kwargs):
    "A training that must come to its end. → what `train` returns."
    code = wait(start(result, *args, **kwargs))
    assert code == 0, (BASE/'error').read_text() if (BASE/'error').exists() else code
    return json.loads(result.read_text())


@cache
def uninterrupted(kind):
    "→ seconds, and what it leaves."
    begun = time.monotonic()
    expected = train_whole(BASE/f'{kind}.json', kind, BASE/kind, False)
    return time.monotonic() - begun, expected


def resume(kind, folder, expected, **kwargs):
    "Resume; the end must be that of the uninterrupted training, bit for bit."
    for file in checkpoints(folder):                  # none of them is half written
        read_state(file)
    assert train_whole(BASE/'found.json', kind, folder, True, **kwargs) == expected
    assert not list(folder.glob('.*')), 'temporary files are left'


def kill_at_random(kind, sig=signal.SIGKILL, code=-9, times=KILLS):
    "At `times` random instants. → instant, checkpoints and temporary files of each."
    took, expected = uninterrupted(kind)
    instants = random.Random(f'{kind}{sig}')
    seen = []
    while len(seen) < times:
        assert took > .1, 'it never ends as it should'
        folder = BASE/f'{kind}{int(sig)}-{time.monotonic()}'
        when = instants.random()*took
        (BASE/'log').write_text('')
        pid = start(BASE/'none.json', kind, folder, False)
        time.sleep(when)
        os.kill(pid, sig)
        if wait(pid) != code:                         # it was faster
            took *= .9
            continue
        files = [file.stem for file in checkpoints(folder)]
        seen.append([round(when, 2), files, len(list(folder.glob('.*')))])
        if sig == signal.SIGINT and files and files[-1] < '00000014':     # the last before the end
            assert 'stopping after this batch' in (BASE/'log').read_text()
        resume(kind, folder, expected)
    return dict(seconds=took, seen=seen)


def dies_at_call(name, count, late):
    "Makes the `count`th call of os.`name` deadly, before it is done or after (`late`)."
    original = getattr(os, name)
    left = [count]

    def deadly(*args):
        left[0] -= 1
        if late:
            original(*args)
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        if not late:
            original(*args)

    setattr(os, name, deadly)


def kill_while_writing(kind):
    "Before the third file is on the disk, before it has its name, and after that."
    expected = uninterrupted(kind)[1]
    seen = []
    for name, count, late in (('fsync', 5, False), ('replace', 3, False), ('replace', 3, True)):
        folder = BASE/f'writing-{name}{late}'

        def before(name=name, count=count, late=late):
            dies_at_call(name, count, late)

        assert wait(start(BASE/'none.json', kind, folder, False, before=before)) == -9
        files = [file.stem for file in checkpoints(folder)]
        seen.append([files, len(list(folder.glob('.*')))])
        resume(kind, folder, expected)
    two = ['00000002', '00000004']
    assert seen == [[two, 1], [two, 1], [[*two, '00000006'], 0]], seen
    return seen


def full_disk(kind):
    """From the third checkpoint on no file may be longer than 50,000 bytes.

    This is logged, the two files before stay, training continues; and with room again
    it resumes as ever.
    """
    expected = uninterrupted(kind)[1]
    original = resuming.write_state
    count = [0]

    def limited(path, state):
        count[0] += 1
        if count[0] == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY))
        original(path, state)

    def before():
        resuming.write_state = limited

    folder, logged = BASE/'full', BASE/'log'
    logged.write_text('')
    found = train_whole(BASE/'full.json', kind, folder, False, before=before)
    assert [file.stem for file in checkpoints(folder)] == ['00000002', '00000004']
    assert not list(folder.glob('.*'))
    message = 'could not be written ([Errno 27] File too large). Training continues'
    assert logged.read_text().count(message) >= 5, logged.read_text()
    assert found == expected
    resume(kind, folder, expected)
    return 0


def with_workers(kind):
    "Pictures that two processes load; killed in the second epoch."
    expected = train_whole(BASE/'workers.json', kind, BASE/'workers', False, num_workers=2)
    folder = BASE/'workers-killed'

    def before():
        dies_at_call('replace', 4, late=True)

    pid = start(BASE/'none.json', kind, folder, False, before=before, num_workers=2)
    assert wait(pid) == -9
    resume(kind, folder, expected, num_workers=2)
    return 0


CHECKS = {
    'killed_damsm': lambda: kill_at_random('damsm'),
    'killed_gan': lambda: kill_at_random('gan'),
    'interrupted': lambda: kill_at_random('gan', signal.SIGINT, 130, 2),
    'while_writing': lambda: kill_while_writing('damsm'),
    'full_disk': lambda: full_disk('gan'),
    'workers': lambda: with_workers('damsm'),
}

if __name__ == '__main__':
    signal.signal(signal.SIGINT, signal.default_int_handler)   # the caller may ignore it
    tiny_data(tiny(8), 8)                                      # drawn once, then cached
    found = {}
    for name, check in CHECKS.items():
        try:
            found[name] = check()
        except Exception:
            found[name] = traceback.format_exc()
    (BASE/'found.json').write_text(json.dumps(found))
