"Draw the diagrams of the notebooks into images: `python tools/figures.py`."

from pathlib import Path

from svg import Figure

OUT = Path(__file__).parent.parent / 'images'


def network():
    f = Figure(1090, 660, 'The whole network')
    box = f.box
    columns = (470, 640, 846)
    f.panel(14, 14, 1076, 182, 'the DAMSM: trained first on real pictures, then frozen')
    f.panel(292, 214, 946, 442, 'the generator')
    f.panel(292, 452, 946, 606, 'the discriminators')

    caption = box(82, 330, 'caption\n(B, T)', 'data', 100)
    text = box(212, 330, 'text encoder', 'text', 120)
    real = box(82, 560, 'real pictures\n3 × (B, 3, S, S)', 'data', 128)

    box(940, 98, 'image encoder', 'image', 130)
    look = box(640, 70, 'words look at regions', 'loss', 190)
    words_match = box(416, 70, 'words match?\neq. 7–10', 'loss', 140)
    sentence_match = box(416, 138, 'sentence matches?\ncosine of ē and v̄', 'loss', 160)

    condition = box(362, 330, 'F^{ca}', 'gen', 64)
    noise = box(362, 396, 'noise z', 'data', 84, 34)
    stages = [box(x, 330, f'F_{{{i}}}', 'gen', 70) for i, x in enumerate(columns)]
    attend = [
        box(x, 256, f'F^{{attn}}_{{{i}}}', 'text', 92, 38)
        for i, x in enumerate(columns[1:], 1)
    ]
    heads = [box(x, 408, f'G_{{{i}}}', 'gen', 60, 32) for i, x in enumerate(columns)]
    discriminators = [
        box(x, 526, f'D_{{{i}}}\nreal? matches ē?', 'disc', 132, 46)
        for i, x in enumerate(columns)
    ]

    # the DAMSM
    f.arrow((875, 84), (800, 84), (800, 70), look.r, label='')
    f.text(806, 62, 'v (B, D, N)', anchor='start')
    f.arrow(look.l, words_match.r)
    f.arrow((875, 112), (800, 112), (800, 138), sentence_match.r)
    f.text(640, 131, 'v̄ (B, D)')

    # the text goes everywhere
    f.arrow(caption.r, text.l)
    rail = 200
    f.arrow(text.t, (212, 44), (640, 44), look.t)
    f.fork((212, rail), (640, rail), to=[[attend[0].t], [(846, rail), attend[1].t]])
    f.dot(212, rail)
    f.text(440, 193, 'words e (B, D, T)')
    f.arrow(text.r, condition.l)
    f.dot(282, 330)
    f.arrow((282, 330), (282, 138), sentence_match.l, tip=True)
    f.text(276, 250, 'ē (B, D)', anchor='end')

    # the generator
    f.arrow(condition.r, stages[0].l, label='c')
    f.arrow(noise.r, (414, 396), (414, 330), tip=False)
    f.dot(414, 330)
    for a, b, at, x, h in (
        (stages[0], stages[1], attend[0], 542, 'h_{0}'),
        (stages[1], stages[2], attend[1], 734, 'h_{1}'),
    ):
        f.arrow(a.r, b.l)
        f.arrow((x, 330), (x, 256), at.l)
        f.dot(x, 330)
        f.arrow(at.b, b.t)
        f.text(x + 18, 323, h)
        f.text(b.x + 8, 300, 'context', anchor='start')

    # pictures to the discriminators, with the real ones and the sentence
    for stage, head, d, size in zip(stages, heads, discriminators, (64, 128, 256)):
        f.arrow(stage.b, head.t)
        f.arrow(head.b, d.t)
        f.text(head.x + 8, 448, f'{size} × {size}', anchor='start')
    low = 586
    f.arrow(real.r, (200, 560), (200, low), (846, low), discriminators[2].b)
    for d in discriminators[:2]:
        f.arrow((d.x, low), d.b)
        f.dot(d.x, low)
    f.text(322, 580, 'real pictures', anchor='start')
    f.arrow((282, 330), (282, 488), (392, 488), tip=False)
    f.arrow((392, 488), (392, 526), discriminators[0].l)
    f.dot(392, 488)
    f.arrow((392, 488), (560, 488), (560, 526), discriminators[1].l)
    f.dot(560, 488)
    f.arrow((560, 488), (760, 488), (760, 526), discriminators[2].l)
    f.text(300, 506, 'ē', anchor='start')

    # the last picture goes to the image encoder
    f.arrow(heads[2].r, (1010, 408), (1010, 121), tip=True)
    f.text(1002, 262, 'the last', anchor='end')
    f.text(1002, 278, 'picture', anchor='end')

    x = 40
    legend = dict(
        data='what flows', text='text', image='pictures', gen='generator',
        disc='discriminators', loss='losses',
    )
    for role, what in legend.items():
        f.raw(
            f'<rect class="{role}" x="{x}" y="626" width="15" height="15" rx="4" '
            'stroke-width="1.4"/>'
        )
        x = f.text(x + 22, 638, what, anchor='start')[1] + 34
    f.save(OUT / 'network.svg')


def text_encoder():
    f = Figure(980, 326, 'The text encoder: an LSTM in each direction')
    B = f.box
    xs, words = (270, 460, 650), ('a', 'red', 'bird')
    em = [B(x, 165, f'“{w}”\nembedding', 'data', 104, 48) for x, w in zip(xs, words)]
    fw, bw = (
        [B(x, 62, 'LSTM →', 'text', 104, 42) for x in xs],
        [B(x, 268, '← LSTM', 'text', 104, 42) for x in xs],
    )
    for e, a, b in zip(em, fw, bw):
        f.arrow(e.t, a.b, label='300')
        f.arrow(e.b, b.t, label='300')
    for i in (0, 1):
        f.arrow(fw[i].r, fw[i + 1].l, label='128')
        f.arrow(bw[i + 1].l, bw[i].r, label='128')
    s1, s2, w = (
        B(872, 62, 'ē, first half\nhas read to the end', 'loss', 156, 48),
        B(98, 268, 'ē, second half\nhas read to the start', 'loss', 160, 48),
        B(872, 165, 'e for “bird”\n(D,): both states', 'text', 156, 48),
    )
    f.fork(fw[2].r, (748, 62), to=[[s1.l], [(748, 165), w.l]])
    f.arrow(bw[0].l, s2.r)
    f.arrow(bw[2].r, (872, 268), w.b)
    f.text(104, 158, 'The states of both', size=12.5)
    f.text(104, 175, 'directions side by side', size=12.5)
    f.text(104, 192, 'are the word: D = 2 · 128.', size=12.5)
    f.save(OUT / 'text_encoder.svg')


def image_encoder():
    f = Figure(980, 250, 'The image encoder: Inception-v3, opened in the middle')
    B = f.box
    f.panel(172, 116, 722, 236)
    f.text(466, 228, 'frozen, pretrained on ImageNet')
    y = 176
    im = B(82, y, 'picture\n(B, 3, 299, 299)', 'data', 124)
    lo, up, po = (
        B(266, y, 'Inception\nto Mixed_6e', 'image', 124),
        B(466, y, 'Inception\nto Mixed_7c', 'image', 124),
        B(648, y, 'average', 'image', 104),
    )
    fc, out = (
        B(772, y, 'linear\n2048 → D', 'gen', 80),
        B(902, y, 'image v̄\n(B, D)', 'loss', 116),
    )
    conv, v = (
        B(466, 56, '1 × 1 convolution\n768 → D', 'gen', 170),
        B(880, 56, 'regions v\n(B, D, 17, 17)', 'loss', 160),
    )
    f.arrow(im.r, lo.l)
    f.arrow(lo.r, up.l)
    f.arrow(up.r, po.l)
    f.arrow(po.r, fc.l)
    f.arrow(fc.r, out.l)
    f.arrow(lo.t, (266, 56), conv.l)
    f.arrow(conv.r, v.l, label='a vector for each of N = 289')
    f.text(274, 108, '(B, 768, 17, 17)', anchor='start')
    f.text(562, 142, '(B, 2048, 8, 8)')
    f.save(OUT / 'image_encoder.svg')


def attention():
    f = Figure(980, 414, 'Attention in both directions')
    B = f.box
    f.panel(14, 14, 482, 400, 'a word looks at regions: the DAMSM')
    f.panel(498, 14, 966, 400, 'a pixel looks at words: the generator')
    heat = [
        [0, 0, 0, 0, 0, 0],
        [0, 0.1, 0.5, 0.4, 0, 0],
        [0, 0.2, 1, 0.8, 0.1, 0],
        [0, 0, 0.3, 0.2, 0, 0],
        [0] * 6,
        [0] * 6,
    ]

    def grid(x0, y0, shade):
        for i in range(6):
            for j in range(6):
                place = f'x="{x0 + 22*j}" y="{y0 + 22*i}" width="22" height="22"'
                f.raw(f'<rect class="image" {place} stroke-width=".7"/>')
                if shade[i][j]:
                    f.raw(f'<rect class="heat" {place} opacity="{shade[i][j]}"/>')

    grid(322, 62, heat)
    f.text(388, 214, 'regions v (B, D, N)')
    ws = [
        B(92, y, w, 'text', 92, 34)
        for y, w in ((76, 'bird'), (128, 'red'), (180, 'crown'))
    ]
    f.text(92, 216, 'words e (B, D, T)')
    f.arrow(ws[2].r, (250, 180), (250, 118), (318, 118))
    f.text(156, 170, 'word: query', anchor='start')

    def steps(x, rows):
        return [
            B(x, 258 + 54 * i, t, role, 420, 42, size=13)
            for i, (t, role) in enumerate(rows)
        ]

    a, b, c = steps(
        248,
        [
            ('s = eᵀv: each word with each region (eq. 7)', 'loss'),
            ('softmax over words (8), over regions: α (9)', 'loss'),
            ('c = Σ αv: region context, (B, D, T)', 'image'),
        ],
    )
    f.arrow(a.b, b.t)
    f.arrow(b.b, c.t)
    grid(518, 62, [[0.9 * ((i, j) == (2, 3)) for j in range(6)] for i in range(6)])
    f.text(584, 214, 'hidden state h (B, C, H, W)')
    vs = [
        B(878, y, w, 'text', 92, 34, pale=p)
        for y, w, p in ((76, 'bird', 1), (128, 'red', 0), (180, 'crown', 0))
    ]
    f.text(878, 216, 'words e (B, D, T)')
    f.fork((606, 117), (740, 117), to=[[(740, 128), vs[1].l], [(740, 180), vs[2].l]])
    f.arrow((740, 117), (740, 76), vs[0].l, pale=True)
    f.text(658, 54, 'pixel: query', anchor='start')
    d, e, g = steps(
        732,
        [
            ('e′ = Ue, words in the width of pixels', 'text'),
            ('β = softmax over words of hᵀe′, no padding', 'loss'),
            ('Σ βe′: word context, (B, C, H, W)', 'gen'),
        ],
    )
    f.arrow(d.b, e.t)
    f.arrow(e.b, g.t)
    f.save(OUT / 'attention.svg')


def damsm():
    f = Figure(980, 382, 'The DAMSM: how well does a sentence fit a picture?')
    B = f.box
    f.panel(158, 14, 812, 268, 'word by word')
    w, v = (
        B(86, 84, 'words e\n(B, D, T)', 'text', 116, 48),
        B(86, 210, 'regions v\n(B, D, N)', 'image', 116, 48),
    )
    s, sm, al = (
        B(256, 84, 'eᵀv (T, N)\neq. 7', 'loss', 132, 48),
        B(486, 84, 'softmax over words\neq. 8', 'loss', 174, 48),
        B(702, 84, 'softmax over regions\neq. 9', 'loss', 186, 48),
    )
    c, r, q = (
        B(702, 210, 'region context\nc = Σ αv (D, T)', 'image', 186, 48),
        B(486, 210, 'cosine of c and e\nfor each word', 'loss', 174, 48),
        B(256, 210, 'R(Q, D)\neq. 10', 'loss', 132, 48),
    )
    f.arrow(w.r, s.l)
    f.arrow(v.r, (166, 210), (166, 100), (190, 100))
    f.arrow(s.r, sm.l)
    f.arrow(sm.r, al.l)
    f.arrow(al.b, c.t, label='α (T, N)')
    f.arrow(c.l, r.r)
    f.arrow(r.l, q.r)
    t, i = (
        B(86, 293, 'sentence ē\n(B, D)', 'text', 116, 44),
        B(86, 343, 'image v̄\n(B, D)', 'image', 116, 44),
    )
    co = B(486, 318, 'cosine of v̄ and ē', 'loss', 174, 44)
    f.arrow(t.r, (340, 293), (340, 312), (399, 312))
    f.arrow(i.r, (340, 343), (340, 324), (399, 324))
    B(
        896,
        264,
        'B × B scores\neach picture finds\nits caption, and\neach caption\nits picture\neq. 11–13',
        'loss',
        142,
        122,
    )
    f.arrow(q.b, (256, 250), (825, 250))
    f.arrow(co.r, (825, 318), label='and as a whole')
    f.save(OUT / 'damsm.svg')


def generator():
    f = Figure(1040, 388, 'The generator: draw small, then refine')
    B = f.box
    f.panel(14, 14, 1026, 152, 'the first stage')
    f.panel(14, 166, 1026, 374, 'each further stage')
    s, ca, z = (
        B(90, 76, 'sentence ē\n(B, D)', 'text', 116),
        B(270, 76, 'F^{ca}\nμ + σ · ε', 'gen', 112),
        B(270, 127, 'noise z (B, Z)', 'data', 136, 30),
    )
    ln, ub, h0 = (
        B(488, 76, 'linear\nto 4 × 4', 'gen', 112),
        B(676, 76, 'four up-blocks\neach × 2', 'gen', 138),
        B(904, 76, 'h_{0}\n(B, C, 64, 64)', 'data', 140),
    )
    f.arrow(s.r, ca.l)
    f.arrow(ca.r, ln.l, label='c (B, K)', gap=-14)
    f.arrow(z.r, (408, 127), (408, 76), tip=False)
    f.dot(408, 76)
    f.arrow(ln.r, ub.l)
    f.arrow(ub.r, h0.l)
    w, h = (
        B(90, 228, 'words e\n(B, D, T)', 'text', 116),
        B(90, 332, 'h\n(B, C, H, W)', 'data', 116),
    )
    at, cat = (
        B(310, 228, 'F^{attn}\npixels look at words', 'text', 156),
        B(460, 332, 'side by side\n2C', 'gen', 116),
    )
    rs, up, hn = (
        B(619, 332, 'residual blocks', 'gen', 146),
        B(766, 332, 'up-block\n× 2', 'gen', 96),
        B(920, 332, 'h′\n(B, C, 2H, 2W)', 'data', 132),
    )
    f.arrow(w.r, at.l)
    f.arrow(h.r, cat.l)
    f.arrow((310, 332), at.b, label='queries')
    f.dot(310, 332)
    f.arrow(at.r, (460, 228), cat.t, label='context (B, C, H, W)')
    f.arrow(cat.r, rs.l)
    f.arrow(rs.r, up.l)
    f.arrow(up.r, hn.l)
    g, im = (
        B(920, 240, 'G\nconvolution, tanh', 'gen', 132),
        B(702, 240, 'picture\n(B, 3, 2H, 2W)', 'image', 132),
    )
    f.arrow(hn.t, g.b)
    f.arrow(g.l, im.r)
    f.save(OUT / 'generator.svg')


def discriminator():
    f = Figure(980, 270, 'A discriminator: is it real, and does it match?')
    B = f.box
    im, tr, ft = (
        B(90, 196, 'picture\n(B, 3, S, S)', 'image', 124),
        B(272, 196, 'convolutions\neach halves the side', 'disc', 158),
        B(470, 196, 'features\n(B, F, 4, 4)', 'data', 120),
    )
    s, rep, j = (
        B(90, 68, 'sentence ē\n(B, D)', 'text', 124),
        B(272, 68, 'repeated\n(B, D, 4, 4)', 'text', 128),
        B(640, 68, 'side by side,\nthen a 3 × 3', 'disc', 124),
    )
    u, c = (
        B(888, 196, 'real?\na logit (B,)', 'loss', 140),
        B(888, 68, 'does it match?\na logit (B,)', 'loss', 140),
    )
    f.arrow(im.r, tr.l)
    f.arrow(tr.r, ft.l)
    f.arrow(s.r, rep.l)
    f.arrow(rep.r, j.l)
    f.arrow(ft.r, u.l, label='4 × 4 convolution', gap=62)
    f.arrow((640, 196), j.b)
    f.dot(640, 196)
    f.arrow(j.r, c.l, label='4 × 4')
    f.text(
        690,
        250,
        'The lower head never sees the sentence, the upper one does.',
        size=12.5,
    )
    f.save(OUT / 'discriminator.svg')


def gan_losses():
    f = Figure(980, 372, 'Which loss trains which network')
    B = f.box
    rm, rw, fm = [
        B(112, y, f'{p} picture\n{c} caption', 'data', 156, 50)
        for y, p, c in (
            (72, 'real', 'its'),
            (150, 'real', 'another'),
            (246, 'generated', 'its'),
        )
    ]
    d, g = (
        B(386, 150, 'D_{0}, D_{1}, D_{2}', 'disc', 156, 54),
        B(112, 330, 'generator', 'gen', 124, 40),
    )
    da = B(386, 330, 'DAMSM', 'loss', 124, 40)
    f.arrow(rm.r, (250, 72), (250, 138), (308, 138))
    f.arrow(rw.r, d.l)
    f.fork(fm.r, (250, 246), to=[[(250, 162), (308, 162)], [(250, 330), da.l]])
    f.arrow(g.t, fm.b)
    ld, _ = (
        B(
            764,
            102,
            'L_{D}, one for each discriminator\nreal, its caption: 1\n'
            'real, another caption: 0\ngenerated, its caption: 0',
            'disc',
            308,
            92,
        ),
        B(
            764,
            278,
            'L_{G}, for the generator\neach D on generated pictures: 1\n'
            '+ λ · DAMSM losses (eq. 11–13)\n+ KL of the condition from N(0, 1)',
            'gen',
            308,
            92,
        ),
    )
    f.fork(d.r, (530, 150), to=[[(530, 102), ld.l], [(530, 262), (610, 262)]])
    f.arrow(da.r, (530, 330), (530, 294), (610, 294))
    f.save(OUT / 'gan_losses.svg')


def training_step():
    f = Figure(1040, 446, 'One batch, one step')
    B = f.box
    f.panel(14, 14, 1026, 148, '1  the generator draws')
    f.panel(14, 160, 1026, 276, '2  the discriminators learn')
    f.panel(14, 288, 1026, 432, '3  the generator learns')
    s, te, g, im = (
        B(100, 86, 'sentences\nids (B, T)', 'data', 124),
        B(296, 86, 'text encoder\nfrozen', 'text', 124),
        B(540, 86, 'generator', 'gen', 124),
        B(860, 86, 'generated pictures\n(B, 3, S, S), three sizes', 'image', 204),
    )
    f.arrow(s.r, te.l)
    f.arrow(te.r, g.l, label='e, ē')
    f.arrow(g.r, im.l)
    f.text(540, 132, 'with noise z (B, Z)')
    r, d, ld, st = (
        B(290, 232, 'triples of pictures\nreal, wrong, generated', 'data', 176),
        B(540, 232, 'D_{0}, D_{1}, D_{2}', 'disc', 124),
        B(700, 232, 'L_{D}', 'loss', 84),
        B(890, 232, 'Adam updates all D\ngroup 2 of its parameters', 'disc', 182),
    )
    f.arrow(r.r, d.l)
    f.arrow(d.r, ld.l)
    f.arrow(ld.r, st.l)
    f.text(100, 228, 'generated pictures:', size=12.5)
    f.text(100, 245, 'detached, no gradient', size=12.5)
    i2, d2, da = (
        B(100, 364, 'generated pictures', 'image', 168),
        B(318, 340, 'D, after step 2', 'disc', 190, 36),
        B(318, 398, 'DAMSM, frozen', 'loss', 190, 36),
    )
    lg, sg, em = (
        B(504, 364, 'L_{G}\n+ KL', 'loss', 84),
        B(702, 364, 'Adam updates G\ngroup 1', 'gen', 148),
        B(916, 364, 'average of weights\nG′ ← .999 G′ + .001 G', 'gen', 184),
    )
    f.fork(i2.r, (198, 364), to=[[(198, 340), d2.l], [(198, 398), da.l]])
    f.arrow(d2.r, (430, 340), (430, 356), (462, 356))
    f.arrow(da.r, (430, 398), (430, 372), (462, 372))
    f.arrow(lg.r, sg.l)
    f.arrow(sg.r, em.l)
    f.save(OUT / 'training_step.svg')


def distributed():
    f = Figure(1040, 338, 'Two processes take the same step')
    B = f.box
    f.panel(14, 14, 1026, 116, 'process 0')
    f.panel(14, 216, 1026, 324, 'process 1')
    B(404, 166, 'gather', 'text', 128, 44)
    B(778, 166, 'average', 'text', 128, 44)
    for y, side in ((68, 1), (278, -1)):
        x, n = (
            B(92, y, 'its share\n(B, …)', 'data', 108),
            B(244, y, 'network\nsame weights', 'gen', 124),
        )
        loss, step = (
            B(584, y, 'loss\nof all W · B', 'loss', 124),
            B(940, y, 'same step', 'gen', 116),
        )
        e = 22 * side
        f.arrow(x.r, n.l)
        f.arrow(n.r, (374, y), (374, 166 - e))
        f.arrow((434, 166 - e), (434, y), loss.l)
        f.arrow(loss.r, (748, y), (748, 166 - e))
        f.arrow((808, 166 - e), (808, y), step.l)
        f.text(340, y - 8, 'features')
        f.text(478, y - 8, '(W · B, …)')
        f.text(700, y - 8, 'gradients')
        f.text(842, y - 8, 'mean')
    f.save(OUT / 'distributed.svg')


# the whole network as a strip, with one notebook's part lit

HERE = dict(
    config='all',
    text='captions',
    paperbirds='pictures captions',
    data='pictures captions',
    text_encoder='text',
    image_encoder='image',
    attention='words pixels',
    damsm='damsm',
    damsm_training='image text words damsm',
    generator='first pixels drawn',
    discriminator='discriminators',
    gan_losses='losses',
    training='first pixels drawn discriminators losses',
    inference='captions text first pixels drawn use',
    metrics='pictures drawn use',
    checkpoints='image text first pixels drawn discriminators use',
    onnx='text first pixels drawn use',
    cli='captions use',
    app='captions use',
)


def flow():
    f = Figure(980, 372, 'AttnGAN draws in one pass, a flow in many steps')
    B = f.box
    f.panel(196, 14, 966, 168, 'AttnGAN: one pass, three stages')
    f.panel(196, 200, 966, 358, 'flow matching: one network, many steps')
    text = B(98, 184, 'text encoder\nof the DAMSM,\nfrozen', 'text', 132, 70)

    z = B(262, 116, 'noise z', 'data', 84)
    stages = [B(x, 116, n, 'gen', 96) for x, n in
              ((410, 'F_{0}'), (572, 'F^{attn}_{1}, F_{1}'), (734, 'F^{attn}_{2}, F_{2}'))]
    last = B(894, 116, 'picture', 'data', 96)
    for a, b in zip([z, *stages], [*stages, last]):
        f.arrow(a.r, b.l)

    states = [B(x, 306, n, 'data', 84) for x, n in
              ((262, 'noise x_{0}'), (496, 'x_{.25}'), (730, 'x_{.5}'))]
    nets = [B(x, 306, 'v_{θ}', 'gen', 70) for x in (382, 613)]
    for a, n, b in zip(states, nets, states[1:]):
        f.arrow(a.r, n.l)
        f.arrow(n.r, b.l)
    f.text(806, 311, '…')
    end = B(894, 306, 'picture x_{1}', 'data', 104)
    f.arrow((818, 306), end.l)

    f.arrow(text.t, (98, 60), (734, 60), stages[2].t)
    for x, box in ((410, stages[0]), (572, stages[1])):
        f.arrow((x, 60), box.t)
        f.dot(x, 60)
    f.arrow(text.b, (98, 250), (613, 250), nets[1].t)
    f.arrow((382, 250), nets[0].t)
    f.dot(382, 250)
    f.text(418, 80, 'sentence ē', anchor='start')
    for x in (580, 742):
        f.text(x, 80, 'words e', anchor='start')
    for x in (390, 621):
        f.text(x, 270, 'e and ē', anchor='start')
    f.save(OUT / 'flow.svg')


def here(name):
    lit = set(HERE[name].split())
    f = Figure(900, 160, 'Where we are in the network')

    def on(*parts):
        return 'all' in lit or lit.issuperset(parts)

    boxes = {}
    for key, x, y, w, label, role in (
        ('pictures', 62, 34, 88, 'pictures', 'data'),
        ('captions', 62, 126, 88, 'captions', 'data'),
        ('image', 190, 34, 124, 'image encoder', 'image'),
        ('text', 190, 126, 124, 'text encoder', 'text'),
        ('first', 324, 126, 96, 'F^{ca}, F_{0}', 'gen'),
        ('words', 464, 34, 182, 'words look at regions', 'loss'),
        ('pixels', 464, 126, 142, 'F^{attn}, F_{1}, F_{2}', 'gen'),
        ('damsm', 626, 34, 94, 'DAMSM', 'loss'),
        ('drawn', 626, 126, 106, 'G: pictures', 'gen'),
        ('discriminators', 740, 80, 84, 'D', 'disc'),
        ('losses', 840, 34, 84, 'losses', 'loss'),
        ('use', 840, 126, 84, 'you', 'data'),
    ):
        boxes[key] = f.box(x, y, label, role, w, 34, pale=not on(key), size=13)
    b = boxes

    def go(a, c, *pts):
        f.arrow(*pts, pale=not on(a, c))

    for a, c in (
        ('pictures', 'image'),
        ('image', 'words'),
        ('words', 'damsm'),
        ('damsm', 'losses'),
        ('captions', 'text'),
        ('text', 'first'),
        ('first', 'pixels'),
        ('pixels', 'drawn'),
        ('drawn', 'use'),
    ):
        go(a, c, b[a].r, b[c].l)
    go('text', 'words', (464, 80), b['words'].b)
    go('text', 'pixels', (464, 80), b['pixels'].t)
    some = on('text', 'words') or on('text', 'pixels')
    f.arrow(b['text'].t, (190, 80), (464, 80), pale=not some, tip=False)
    f.dot(464, 80, pale=not some)
    f.dot(740, 126, pale=not on('drawn', 'discriminators'))
    go('drawn', 'damsm', b['drawn'].t, b['damsm'].b)
    go('drawn', 'discriminators', (740, 126), b['discriminators'].b)
    go('discriminators', 'losses', b['discriminators'].r, (840, 80), b['losses'].b)
    f.save(OUT / f'here_{name}.svg')


def colab():
    "The button below each title: the same by day and by night."
    font = 'font-family="Verdana,DejaVu Sans,sans-serif"'
    words = ''
    for x, text in ((35, 'Open in'), (95, 'Colab')):
        place = f'x="{x}" y="14" font-size="11.5" text-anchor="middle" fill="#fff"'
        words += f'<text {place} {font}>{text}</text>'
    size = 'viewBox="0 0 122 20" width="122" height="20"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        '<title>Open in Colab</title>',
        '<rect width="122" height="20" rx="4" fill="#4a5560"/>',
        '<path d="M69 0h49a4 4 0 0 1 4 4v12a4 4 0 0 1-4 4H69z" fill="#d9730d"/>',
        f'{words}</svg>\n',
    ]
    (OUT/'colab.svg').write_text(''.join(parts), encoding='utf-8')


def main():
    OUT.mkdir(exist_ok=True)
    for draw in (
        network,
        text_encoder,
        image_encoder,
        attention,
        damsm,
        generator,
        discriminator,
        gan_losses,
        training_step,
        distributed,
        flow,
        colab,
    ):
        draw()
    for name in HERE:
        here(name)


if __name__ == '__main__':
    main()
