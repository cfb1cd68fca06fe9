"Draws images/sentences.png, the picture of the front page: three sentences, the bird that each became, and where its words look (`python tools/front.py`)."
from pathlib import Path
import matplotlib; matplotlib.use('agg')
import matplotlib.pyplot as plt
import numpy as np
import torch.nn.functional as F
from PIL import Image
from attngan.inference import TextToImage
from attngan.paperbirds import PaperBirds

unseen = PaperBirds('test', n=18, n_captions=1).texts()   # six birds of a species in a row: the first sentence of two species that no network here has seen
SENTENCES = ['this small bird has a red crown, a yellow belly and a long black beak', *(unseen[i][0] for i in (0, 6))]
PLAIN = set('bird small tiny large big on in looking to left right standing long short is and shows image water grass snow'.split())   # they speak of no part that has a colour

def spot(im, a): # a picture, a word's attention (H, W) → the picture, bright where the word looks
    a = F.interpolate(a[None, None], (256, 256), mode='bicubic')[0, 0].clamp(0).numpy(); a = (a/a.max())[..., None]
    x = np.asarray(im.resize((256, 256), Image.BICUBIC))/255.
    return x*a + (.12 + .2*x.mean(-1, keepdims=True))*(1 - a)

out = TextToImage.from_pretrained('paperbirds').generate(SENTENCES, seed=0)
kept = [[k for k, w in enumerate(ws) if w not in PLAIN] for ws in out.words]
n = max(map(len, kept)); fig = plt.figure(figsize=(1.45*(n + 1.6), 2.05*len(SENTENCES)))
grid = fig.add_gridspec(len(SENTENCES), n + 1, width_ratios=[1.35] + [1]*n, left=.005, right=.995, top=.93, bottom=.01, hspace=.42, wspace=.06)
for r, (sentence, im, maps, words, ks) in enumerate(zip(SENTENCES, out.images, out.attention, out.words, kept)):
    for c, (x, title) in enumerate([(im.resize((256, 256), Image.BICUBIC), '')] + [(spot(im, maps[0][k]), words[k]) for k in ks]):
        ax = fig.add_subplot(grid[r, c]); ax.imshow(x); ax.axis('off'); ax.set_title(title, fontsize=12, pad=4)
        if not c: fig.text(ax.get_position().x0, ax.get_position().y1 + .035, f'“{sentence}”', fontsize=13, style='italic')
path = Path(__file__).parent.parent/'images/sentences.png'; fig.savefig(path, dpi=100); Image.open(path).convert('RGB').quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=1).save(path, optimize=True)
