"""One of several processes, one of which will be killed: `train_together.py FOLDER NAME WAIT`."""

import json
import os
import sys
import time
from pathlib import Path

from common import tiny, tiny_data
from fastai.callback.core import Callback
from train_tiny import train

from attngan.distributed import first_alone

FOLDER = Path(sys.argv[1])
NAME = sys.argv[2]
WAIT = float(sys.argv[3])          # seconds after each batch
RANK = int(os.environ['RANK'])


class Here(Callback):
    "Writes process id and batch into a file, and gives time to be killed."

    def after_batch(self):
        if self.training:
            (FOLDER/f'{RANK}.at').write_text(f'{os.getpid()} {self.train_iter}')
            time.sleep(WAIT)


if __name__ == '__main__':
    with first_alone():
        tiny_data(tiny(8), 4)
    found = train('gan', FOLDER/NAME, True, bs=4, cbs=[Here()])
    (FOLDER/f'{NAME}.{RANK}.json').write_text(json.dumps(found))
