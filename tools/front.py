"""Draw the sentences of the front page, images/sentences.png with paper birds and
images/real_birds.png with real ones: `python tools/front.py`.

Three captions, the bird drawn for each (seed 0), and where its words look at the first
attention stage. All maps of a picture share one scale; a ring marks the maximum of each.
"""
from pathlib import Path

import matplotlib

matplotlib.use('agg')
import matplotlib.pyplot as plt
import numpy as np
import torch.nn.functional as F
from PIL import Image

from attngan.inference import TextToImage
from attngan.paperbirds import PaperBirds

OWN = 'this small bird has a red crown, a yellow belly and a long black beak'
REAL = [
    'a small red bird with black wings',
    'this bird has a blue crown, a white belly and a short beak',
    'this bird is yellow with black wings and a brown tail',
]
# Words that name neither a part nor a colour.
PLAIN = set('''
    a an the this is has with and bird small tiny large big on in looking to left right
    standing swimming long short little shows image water grass snow
'''.split())
SIDE = 256


def look(ax, picture, attention, peak):
    "On `ax`: a PIL picture in grey, orange where the map (H, W) is large, a ring at its maximum."
    grey = np.asarray(picture.convert('L').resize((SIDE, SIDE), Image.BICUBIC))/255.
    larger = F.interpolate(attention[None, None], (SIDE, SIDE), mode='bicubic')[0, 0]
    shade = (larger/peak).clamp(0, 1).numpy()
    orange = np.broadcast_to([1., .4, 0.], (SIDE, SIDE, 3))
    ax.imshow(.4 + .55*grey, cmap='gray', vmin=0, vmax=1)
    ax.imshow(orange, alpha=shade)
    y, x = divmod(int(attention.argmax()), attention.shape[1])
    step = SIDE/attention.shape[1]
    ax.plot((x + .5)*step, (y + .5)*step, 'o', ms=9, mfc='none', mec='black', mew=1.2)


def draw_sentences(name, captions, path):
    "A row for each caption: its bird, and where its words look; PNG of 256 colours."
    out = TextToImage.from_pretrained(name).generate(captions, seed=0)
    shown = [[k for k, w in enumerate(words) if w not in PLAIN] for words in out.words]
    peak = max(float(maps[0][ks].max()) for maps, ks in zip(out.attention, shown))
    columns = max(map(len, shown)) + 1
    fig, axs = plt.subplots(len(captions), columns,
                            figsize=(1.45*(columns + .6), 2.05*len(captions)))
    for ax in axs.flat:
        ax.axis('off')
    for row, caption, picture, maps, words, ks in zip(
            axs, captions, out.images, out.attention, out.words, shown):
        row[0].imshow(picture.resize((SIDE, SIDE), Image.BICUBIC))
        for ax, k in zip(row[1:], ks):
            look(ax, picture, maps[0][k], peak)
            ax.set_title(words[k], fontsize=12, pad=4)
        row[0].text(0, -40, f'“{caption}”', fontsize=13, style='italic')
    fig.subplots_adjust(left=.005, right=.995, top=.93, bottom=.01, hspace=.42, wspace=.06)
    fig.savefig(path, dpi=100)
    small = Image.open(path).convert('RGB').quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=1)
    small.save(path, optimize=True)


def main():
    images = Path(__file__).parent.parent/'images'
    unseen = PaperBirds('valid', n=18, n_captions=1).texts()   # six birds of a species in a row
    draw_sentences('paperbirds', [OWN, unseen[0][0], unseen[6][0]], images/'sentences.png')
    draw_sentences('birds', REAL, images/'real_birds.png')


if __name__ == '__main__':
    main()
