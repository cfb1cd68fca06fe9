"""Boxes, arrows and words as small SVG files, for `figures.py`.

Real text, one style, light and dark by themselves. A figure in which something lies
on a word refuses to be saved.
"""
import re
from dataclasses import dataclass
from html import escape

# What a thing is: (fill, edge) by day, (fill, edge) by night.
ROLES = dict(
    data=('#f1f3f5', '#8d99a6', '#272e36', '#7f8b97'),    # what flows: captions, tensors
    text=('#ffedcc', '#d9962a', '#43331a', '#d9a04a'),    # reads words
    image=('#dcebfb', '#4a8fd0', '#1b3450', '#5e9fdd'),   # sees pictures
    gen=('#daf2dc', '#49a25a', '#1c3c26', '#5fb572'),     # generator
    disc=('#fde0dc', '#d6604d', '#492420', '#de7767'),    # discriminators
    loss=('#ebe1f8', '#8f67c4', '#34274a', '#a583d6'),    # losses
)
INK = ('#1c2630', '#e8ebee')
SOFT = ('#5a6673', '#a4afba')
CARD = ('#ffffff', '#14191f')
RIM = ('#dbe1e7', '#323b45')
PANEL = ('#f8f9fb', '#1a2027')
FIXED = (
    'text{font-family:system-ui,"Segoe UI","Helvetica Neue",Arial,"DejaVu Sans",sans-serif}'
    '.b{font-weight:600}.pale{opacity:.3}.heat{fill:#e8590c;stroke:#e8590c}'
)
TIP = (
    '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
    'markerHeight="7" orient="auto"><path class="tip" d="M0 .8L10 5L0 9.2z"/></marker></defs>'
)


def _sheet(night):   # 0 by day, 1 by night
    rules = []
    for role, colours in ROLES.items():
        fill, edge = colours[2*night:2*night + 2]
        rules.append(f'.{role}{{fill:{fill};stroke:{edge}}}')
    rules.append(f'.card{{fill:{CARD[night]};stroke:{RIM[night]}}}')
    rules.append(f'.panel{{fill:{PANEL[night]};stroke:{RIM[night]}}}')
    rules.append(f'text{{fill:{INK[night]}}}.soft{{fill:{SOFT[night]}}}')
    rules.append(f'.line{{fill:none;stroke:{SOFT[night]};stroke-width:1.5}}')
    rules.append(f'.tip{{fill:{SOFT[night]}}}')
    return ''.join(rules)


def style():
    "The style sheet of every figure."
    dark = f'@media (prefers-color-scheme:dark){{{_sheet(1)}}}'
    return f'<style>{FIXED}{_sheet(0)}{dark}</style>'


def rich(text, size):
    "`F^{ca}` and `G_{0}` as raised and lowered tspans."
    out = ''
    level = 0
    for mark, small, plain in re.findall(r'([_^])\{([^}]*)\}|([^_^]+|[_^])', text):
        to = {'_': .26, '^': -.38}.get(mark, 0)
        shift = f' dy="{(to - level)*size:.1f}"' if to != level else ''
        level = to
        if mark:
            out += f'<tspan{shift} font-size="{size*.72:.1f}">{escape(small)}</tspan>'
        elif shift:
            out += f'<tspan{shift}>{escape(plain)}</tspan>'
        else:
            out += escape(plain)
    return out


def width(text, size, bold=False):
    "About how wide a text is, in pixels; DejaVu's letters, which are wider than most."
    small = sum(len(s) for s in re.findall(r'[_^]\{([^}]*)\}', text))
    plain = len(re.sub(r'[_^]\{[^}]*\}|[\u0300-\u036f]', '', text))
    return (plain + .72*small)*size*(.625 if bold else .575)


@dataclass
class Box:
    "A rectangle around the middle (x, y); l, r, t, b are the middles of its sides."
    x: float
    y: float
    w: float
    h: float

    @property
    def l(self):
        return self.x - self.w/2, self.y

    @property
    def r(self):
        return self.x + self.w/2, self.y

    @property
    def t(self):
        return self.x, self.y - self.h/2

    @property
    def b(self):
        return self.x, self.y + self.h/2

    def rect(self):
        "left, top, right, bottom"
        return self.x - self.w/2, self.y - self.h/2, self.x + self.w/2, self.y + self.h/2


def meet(a, b):
    "Do two rectangles overlap?"
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def around(piece):
    "The rectangle around a piece of a line."
    (x0, y0), (x1, y1) = piece
    return min(x0, x1) - 1, min(y0, y1) - 1, max(x0, x1) + 1, max(y0, y1) + 1


def _sign(u, v):
    return (u > v) - (u < v)


def _length(piece):
    (x0, y0), (x1, y1) = piece
    return abs(x0 - x1) + abs(y0 - y1)


def _path(points):
    "Straight pieces with round corners."
    d = f'M{points[0][0]:g} {points[0][1]:g}'
    for a, b, c in zip(points, points[1:], points[2:]):
        radius = min(9, _length((a, b))/2, _length((b, c))/2)
        before = [b[k] + radius*_sign(a[k], b[k]) for k in (0, 1)]
        after = [b[k] + radius*_sign(c[k], b[k]) for k in (0, 1)]
        d += f'L{before[0]:g} {before[1]:g}Q{b[0]:g} {b[1]:g} {after[0]:g} {after[1]:g}'
    return d + f'L{points[-1][0]:g} {points[-1][1]:g}'


class Figure:
    "A card on which boxes, arrows and words are placed; coordinates in pixels."

    def __init__(self, w, h, title):
        self.w = w
        self.h = h
        self.title = title
        self.under = []   # SVG below everything: panels, lines
        self.over = []    # SVG above it
        self.boxes = []   # (text, Box)
        self.words = []   # (text, rectangle)
        self.lines = []   # (label, piece)

    def panel(self, x0, y0, x1, y1, title=''):
        "A pale rectangle that groups boxes."
        size = f'width="{x1 - x0}" height="{y1 - y0}"'
        self.under.append(f'<rect class="panel" x="{x0}" y="{y0}" {size} rx="12"/>')
        if title:
            self.text(x0 + 14, y0 + 20, title, 12.5, 'start', 'b soft')

    def text(self, x, y, text, size=12, anchor='middle', kind='soft', inside=False):
        "Words on the base line y; returns their left and right end."
        cls = f' class="{kind}"' if kind else ''
        place = f'x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}"'
        self.over.append(f'<text {place}{cls}>{rich(text, size)}</text>')
        n = width(text, size, 'b' in kind.split())
        x0 = x - dict(start=0, middle=n/2, end=n)[anchor]
        if not inside:
            self.words.append((text, (x0, y - .75*size, x0 + n, y + .2*size)))
        return x0, x0 + n

    def box(self, x, y, text, role, w=120, h=46, pale=False, size=14):
        "The first line is the name, the others are what there is to say about it."
        b = Box(x, y, w, h)
        self.boxes.append((text, b))
        first, *rest = text.split('\n')
        self.over.append('<g class="pale">' if pale else '<g>')
        place = f'x="{x - w/2:g}" y="{y - h/2:g}" width="{w}" height="{h}"'
        self.over.append(f'<rect class="{role}" {place} rx="8" stroke-width="1.4"/>')
        top = y + .35*size - 7.5*len(rest)
        ends = [self.text(x, top, first, size, kind='b', inside=True)]
        for i, line in enumerate(rest, 1):
            ends.append(self.text(x, top + 15*i + 1, line, 12, inside=True))
        for line, (x0, x1) in zip([first, *rest], ends):
            if x1 - x0 > w - 6:
                much = f'{x1 - x0:.0f} of {w}'
                raise ValueError(f'{self.title}: {line!r} is wider than its box: {much}')
        self.over.append('</g>')
        return b

    def arrow(self, *points, label='', gap=0, pale=False, tip=True):
        "Along the points; the label goes beside the longest piece, `gap` off its middle."
        points = [tuple(map(float, p)) for p in points]
        pieces = list(zip(points, points[1:]))
        self.lines += [(label, p) for p in pieces]
        cls = 'line pale' if pale else 'line'
        end = ' marker-end="url(#tip)"' if tip else ''
        self.under.append(f'<path class="{cls}" d="{_path(points)}"{end}/>')
        if label:
            (xa, ya), (xb, yb) = max(pieces, key=_length)
            if ya == yb:
                self.text((xa + xb)/2 + gap, ya - 7, label)
            else:
                self.text(xa + 8, (ya + yb)/2 + 4 + gap, label, anchor='start')

    def fork(self, *points, to, pale=False, **kwargs):
        "To the last point, where there is a dot, and on from there to each of `to`."
        self.arrow(*points, pale=pale, tip=False, **kwargs)
        self.dot(*points[-1], pale)
        for more in to:
            self.arrow(points[-1], *more, pale=pale)

    def dot(self, x, y, pale=False):
        "Where lines part."
        cls = 'tip pale' if pale else 'tip'
        self.over.append(f'<circle class="{cls}" cx="{x:g}" cy="{y:g}" r="3"/>')

    def raw(self, svg):
        "Any SVG."
        self.over.append(svg)

    def faults(self):
        "What lies on something it should not lie on."
        for i, (text, r) in enumerate(self.words):
            if r[0] < 4 or r[1] < 2 or r[2] > self.w - 4 or r[3] > self.h - 2:
                yield f'{text!r} leaves the card'
            for other, s in self.words[:i]:
                if meet(r, s):
                    yield f'{text!r} lies on {other!r}'
            for other, b in self.boxes:
                if meet(r, b.rect()):
                    yield f'{text!r} lies on the box {other!r}'
            for label, piece in self.lines:
                if meet(r, around(piece)):
                    yield f'an arrow {label!r} {piece} crosses {text!r}'
        for text, b in self.boxes:
            x0, y0, x1, y1 = b.rect()
            for label, piece in self.lines:
                if meet((x0 + 3, y0 + 3, x1 - 3, y1 - 3), around(piece)):
                    yield f'an arrow {label!r} {piece} crosses the box {text!r}'
            for other, c in self.boxes:
                if c is not b and meet(b.rect(), c.rect()):
                    yield f'the boxes {text!r} and {other!r} overlap'

    def save(self, path):
        "Write the SVG. Raises ValueError if words, boxes or arrows lie on each other."
        faults = list(self.faults())
        if faults:
            raise ValueError(f'{path.name}: ' + '; '.join(faults))
        size = f'width="{self.w}" height="{self.h}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.w} {self.h}" {size}'
        rim = f'width="{self.w - 1}" height="{self.h - 1}" rx="14"'
        parts = [
            f'{head} role="img">',
            f'<title>{escape(self.title)}</title>',
            style(),
            TIP,
            f'<rect class="card" x=".5" y=".5" {rim}/>',
            *self.under,
            *self.over,
            '</svg>',
            '',
        ]
        path.write_text('\n'.join(parts), encoding='utf-8')
