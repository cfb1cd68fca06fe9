"""Draw images/grid.png: `python tools/grid.py`.

Left the first 64 birds of the sealed test split, right what the shipped model draws for
their captions (seed 0, unselected).
"""
from pathlib import Path

import numpy as np
from PIL import Image

from attngan.inference import TextToImage
from attngan.metrics import draw_unseen
from attngan.show import to_uint8

def sheet(pictures):
    "The first 64 of (n, 64, 64, 3) as one picture (512, 512, 3)."
    rows = pictures[:64].reshape(8, 8, 64, 64, 3)
    return rows.swapaxes(1, 2).reshape(512, 512, 3)


def main():
    model = TextToImage.from_pretrained('paperbirds')
    birds, drawn, _ = draw_unseen(model, 1000, split='test')
    gap = np.full((512, 16, 3), 255, np.uint8)
    both = np.hstack([sheet(birds.images), gap, sheet(to_uint8(drawn))])
    path = Path(__file__).parent.parent/'images/grid.png'
    Image.fromarray(both).quantize(256).save(path, optimize=True)


if __name__ == '__main__':
    main()
