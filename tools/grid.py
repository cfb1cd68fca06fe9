"Draws images/grid.png: the first 64 birds of the test set, and what the shipped model draws for their captions (`python tools/grid.py`)."
from pathlib import Path
import numpy as np
from PIL import Image
from attngan.data import to_uint8
from attngan.inference import TextToImage
from attngan.metrics import draw_unseen

birds, drawn, _ = draw_unseen(TextToImage.from_pretrained('paperbirds'), 1000)
sheet = lambda x: x[:64].reshape(8, 8, 64, 64, 3).swapaxes(1, 2).reshape(512, 512, 3)
both = np.hstack([sheet(birds.images), np.full((512, 16, 3), 255, np.uint8), sheet(to_uint8(drawn))])
Image.fromarray(both).quantize(256).save(Path(__file__).parent.parent/'images/grid.png', optimize=True)
