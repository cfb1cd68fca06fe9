"Draws the diagrams of the notebooks into images: `python tools/figures.py`."
from pathlib import Path
import matplotlib; matplotlib.use('svg')
import matplotlib.pyplot as plt
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

OUT = Path(__file__).parent.parent/'images'
plt.rcParams.update({'svg.hashsalt': 'attngan', 'svg.fonttype': 'path', 'font.size': 9})
COLOUR = dict(text='#ffe3b3', image='#cfe5ff', data='#f3f3f3', critic='#ffd0cc', gen='#d3f0d0', loss='#e6d7f7')

def diagram(name, size, boxes, arrows):
    "`boxes`: key → (x, y, label, kind); `arrows`: (from, to, label). Units: one box is 1.7 × .7."
    fig, ax = plt.subplots(figsize=size)
    for x, y, label, kind in boxes.values():
        ax.add_patch(FancyBboxPatch((x-.85, y-.35), 1.7, .7, boxstyle='round,pad=0.02,rounding_size=.08', fc=COLOUR[kind], ec='#555', lw=.8))
        ax.text(x, y, label, ha='center', va='center', fontsize=8)
    for a, b, label in arrows:
        (xa, ya), (xb, yb) = boxes[a][:2], boxes[b][:2]
        across = abs(xb-xa) > .9 and abs(xb-xa) >= abs(yb-ya)
        sx, sy = (1 if xb > xa else -1), (1 if yb > ya else -1)
        start, stop = ((xa+.87*sx, ya), (xb-.87*sx, yb)) if across else ((xa, ya+.37*sy), (xb, yb-.37*sy))
        ax.add_patch(FancyArrowPatch(start, stop, arrowstyle='-|>', mutation_scale=9, lw=.9, color='#444'))
        mid = ((start[0]+stop[0])/2, (start[1]+stop[1])/2)
        ax.text(mid[0] + (0 if across else .08), mid[1] + (.09 if across else 0), label, ha='center' if across else 'left', va='bottom' if across else 'center', fontsize=7, color='#333',
                bbox=dict(fc='white', ec='none', pad=.8))
    xs, ys = zip(*[b[:2] for b in boxes.values()])
    ax.set(xlim=(min(xs)-1, max(xs)+1), ylim=(min(ys)-.5, max(ys)+.5), aspect='equal'); ax.axis('off')
    fig.savefig(OUT/f'{name}.svg', bbox_inches='tight', metadata=dict(Date=None)); plt.close(fig)

def network():
    boxes = dict(cap=(0, 1.5, 'caption', 'data'), te=(2.6, 1.5, 'text encoder', 'text'), ca=(2.6, 0, 'F$^{ca}$', 'gen'), z=(2.6, -1.3, 'noise z', 'data'),
                 f0=(5.2, 0, 'F$_0$', 'gen'), a1=(7.8, 1.5, 'F$^{attn}_1$', 'text'), f1=(7.8, 0, 'F$_1$', 'gen'), a2=(10.4, 1.5, 'F$^{attn}_2$', 'text'), f2=(10.4, 0, 'F$_2$', 'gen'),
                 g0=(5.2, -1.3, 'G$_0$', 'image'), g1=(7.8, -1.3, 'G$_1$', 'image'), g2=(10.4, -1.3, 'G$_2$', 'image'),
                 d0=(5.2, -2.6, 'D$_0$', 'critic'), d1=(7.8, -2.6, 'D$_1$', 'critic'), d2=(10.4, -2.6, 'D$_2$', 'critic'), da=(13.2, -1.3, 'DAMSM', 'loss'))
    arrows = [('cap', 'te', '(B, T)'), ('te', 'ca', 'ē (B, D)'), ('te', 'a1', 'words e (B, D, T)'), ('a1', 'a2', ''), ('ca', 'f0', 'c (B, K)'), ('z', 'f0', ''), ('f0', 'f1', 'h$_0$'), ('f1', 'f2', 'h$_1$'), ('f0', 'a1', 'queries'), ('f1', 'a2', 'queries'),
              ('a1', 'f1', 'context'), ('a2', 'f2', 'context'), ('f0', 'g0', ''), ('f1', 'g1', ''), ('f2', 'g2', 'h$_2$'), ('g0', 'd0', 'small'), ('g1', 'd1', '× 2'), ('g2', 'd2', '× 4'), ('g2', 'da', 'matches?')]
    diagram('network', (13, 5), boxes, arrows)

def text_encoder():
    boxes, arrows = {}, []
    for i, w in enumerate(['a', 'red', 'bird']):
        x = 2.6*i
        boxes |= {f'e{i}': (x, 1.3, f'“{w}”\nembedding', 'data'), f'f{i}': (x, 2.6, 'LSTM →', 'text'), f'b{i}': (x, 0, 'LSTM ←', 'text')}
        arrows += [(f'e{i}', f'f{i}', '300'), (f'e{i}', f'b{i}', '300')]
        if i: arrows += [(f'f{i-1}', f'f{i}', '128'), (f'b{i}', f'b{i-1}', '128')]
    boxes |= dict(s1=(7.8, 2.6, 'sentence ē,\nfirst half', 'loss'), s2=(-2.6, 0, 'sentence ē,\nsecond half', 'loss'), w=(7.8, 1.3, 'word e$_3$ (D):\nboth states', 'image'))
    diagram('text_encoder', (9.5, 3.3), boxes, arrows + [('f2', 's1', 'last'), ('b0', 's2', 'last'), ('f2', 'w', ''), ('b2', 'w', '')])

def image_encoder():
    boxes = dict(im=(0, 0, 'picture\n3 × 299 × 299', 'data'), lo=(2.7, 0, 'Inception …\nMixed_6e', 'image'), up=(5.4, 0, '… Mixed_7c', 'image'), po=(8.1, 0, 'average\n2048', 'image'), fc=(10.8, 0, 'linear', 'gen'),
                 c1=(2.7, 1.5, '1 × 1 convolution', 'gen'), v=(5.4, 1.5, 'regions v\nD × 17 × 17', 'loss'), vb=(13.3, 0, 'image v̄ (D)', 'loss'))
    diagram('image_encoder', (12.5, 2.7), boxes, [('im', 'lo', ''), ('lo', 'up', '768×17×17'), ('up', 'po', '2048×8×8'), ('po', 'fc', ''), ('fc', 'vb', ''), ('lo', 'c1', '768 × 289'), ('c1', 'v', '')])

def damsm():
    boxes = dict(w=(0, 1.5, 'words e\n(D, T)', 'text'), v=(0, 0, 'regions v\n(D, N)', 'image'), s=(2.7, .75, 'eᵀv (T, N)\neq. 7', 'loss'), sb=(5.3, .75, 'softmax: words\neq. 8', 'loss'),
                 al=(7.9, .75, 'softmax: regions\neq. 9', 'loss'), c=(10.5, .75, 'what each word\nsees (D, T)', 'image'), r=(13.1, .75, 'cosine with e\neq. 10', 'loss'), b=(15.7, .75, 'B × B scores\neq. 11–13', 'loss'))
    diagram('damsm', (14.5, 2.5), boxes, [('w', 's', ''), ('v', 's', ''), ('s', 'sb', ''), ('sb', 'al', ''), ('al', 'c', ''), ('c', 'r', ''), ('r', 'b', '')])

def generator():
    boxes = dict(h=(0, 0, 'h (C, H, W)', 'gen'), at=(2.7, 1.3, 'F$^{attn}$', 'text'), w=(0, 1.3, 'words e (D, T)', 'text'), cat=(5.3, 0, 'concatenate 2C', 'gen'), res=(7.9, 0, 'residual blocks', 'gen'),
                 up=(10.5, 0, 'up-block × 2', 'gen'), hn=(13.1, 0, "h' (C, 2H, 2W)", 'gen'), g=(13.1, -1.3, 'G: conv, tanh', 'image'))
    diagram('generator', (12.5, 3.3), boxes, [('w', 'at', ''), ('h', 'at', 'queries'), ('h', 'cat', ''), ('at', 'cat', 'context (C, H, W)'), ('cat', 'res', ''), ('res', 'up', ''), ('up', 'hn', ''), ('hn', 'g', '')])

def discriminator():
    boxes = dict(im=(0, 0, 'picture\n3 × S × S', 'image'), tr=(2.7, 0, 'stride-2\nconvolutions', 'critic'), f=(5.3, 0, 'features\nF × 4 × 4', 'critic'), u=(8.2, -.9, 'real?', 'loss'),
                 s=(2.7, 1.5, 'sentence ē\nD × 4 × 4', 'text'), j=(5.3, 1.5, 'concatenate,\nconv 3 × 3', 'critic'), c=(8.2, 1.5, 'matches?', 'loss'))
    diagram('discriminator', (9, 3.5), boxes, [('im', 'tr', ''), ('tr', 'f', ''), ('f', 'u', 'logit'), ('f', 'j', ''), ('s', 'j', ''), ('j', 'c', 'logit')])

def gan_losses():
    boxes = dict(rm=(0, 2.2, 'real picture,\nits caption', 'data'), rw=(0, 1.1, 'real picture,\nwrong caption', 'data'), fm=(0, 0, 'drawn picture,\nits caption', 'data'), d=(3.2, 1.1, 'discriminator', 'critic'),
                 ld=(6.4, 2.2, 'L$_D$: yes, no, no', 'loss'), lg=(6.4, 0, 'L$_G$: yes, please', 'loss'), g=(3.2, -1.1, 'generator', 'gen'))
    diagram('gan_losses', (8.2, 4), boxes, [('rm', 'd', ''), ('rw', 'd', ''), ('fm', 'd', ''), ('d', 'ld', ''), ('d', 'lg', ''), ('g', 'fm', '')])

def distributed():
    boxes = {}; arrows = []
    for i, y in enumerate((1.3, -1.3)):
        boxes |= {f'x{i}': (0, y, f'share {i}\n(B, …)', 'data'), f'n{i}': (2.7, y, 'network,\nsame weights', 'gen'), f'l{i}': (8.1, y, 'loss of the\nwhole batch', 'loss'), f's{i}': (13.5, y, 'same step', 'gen')}
        arrows += [(f'x{i}', f'n{i}', ''), (f'n{i}', 'g', 'features'), ('g', f'l{i}', '(W·B, …)'), (f'l{i}', 'a', 'gradients'), ('a', f's{i}', '')]
    boxes |= dict(g=(5.4, 0, 'gather', 'text'), a=(10.8, 0, 'average', 'text'))
    diagram('distributed', (12.5, 3.6), boxes, arrows)

if __name__ == '__main__':
    OUT.mkdir(exist_ok=True)
    for draw in (network, text_encoder, image_encoder, damsm, generator, discriminator, gan_losses, distributed): draw()
