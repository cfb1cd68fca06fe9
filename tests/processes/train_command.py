"""`attngan_train`, as torchrun starts it."""

import sys

from attngan.cli import train_command

if __name__ == '__main__':
    sys.argv[0] = 'attngan_train'
    train_command()
