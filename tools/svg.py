"Boxes, arrows and words as small SVG files, for `figures.py`: real text, one style, light and dark by themselves. A figure in which something lies on a word refuses to be saved."
import re
from dataclasses import dataclass
from html import escape

ROLES = dict( # what a thing is for: (fill, edge) by day, (fill, edge) by night
    data=('#f1f3f5', '#8d99a6', '#272e36', '#7f8b97'),      # what flows: sentences, numbers
    text=('#ffedcc', '#d9962a', '#43331a', '#d9a04a'),      # reads words
    image=('#dcebfb', '#4a8fd0', '#1b3450', '#5e9fdd'),     # sees pictures
    gen=('#daf2dc', '#49a25a', '#1c3c26', '#5fb572'),       # draws
    critic=('#fde0dc', '#d6604d', '#492420', '#de7767'),    # judges
    loss=('#ebe1f8', '#8f67c4', '#34274a', '#a583d6'))      # compares, counts
INK, SOFT, CARD, RIM, PANEL = ('#1c2630', '#e8ebee'), ('#5a6673', '#a4afba'), ('#ffffff', '#14191f'), ('#dbe1e7', '#323b45'), ('#f8f9fb', '#1a2027')

def style():
    def sheet(i):
        rules = [f'.{k}{{fill:{c[2*i]};stroke:{c[2*i+1]}}}' for k, c in ROLES.items()]
        return ''.join(rules) + (f'.card{{fill:{CARD[i]};stroke:{RIM[i]}}}.panel{{fill:{PANEL[i]};stroke:{RIM[i]}}}text{{fill:{INK[i]}}}.soft{{fill:{SOFT[i]}}}'
                                 f'.line{{fill:none;stroke:{SOFT[i]};stroke-width:1.5}}.tip{{fill:{SOFT[i]}}}')
    fixed = 'text{font-family:system-ui,"Segoe UI","Helvetica Neue",Arial,"DejaVu Sans",sans-serif}.b{font-weight:600}.pale{opacity:.3}.heat{fill:#e8590c;stroke:#e8590c}'
    return f'<style>{fixed}{sheet(0)}@media (prefers-color-scheme:dark){{{sheet(1)}}}</style>'

def rich(text, size): # F^{ca}, G_{0} → tspans
    out, level = '', 0
    for mark, small, plain in re.findall(r'([_^])\{([^}]*)\}|([^_^]+|[_^])', text):
        to = {'_': .26, '^': -.38}.get(mark, 0)
        dy, level = f' dy="{(to-level)*size:.1f}"' if to != level else '', to
        out += f'<tspan{dy} font-size="{size*.72:.1f}">{escape(small)}</tspan>' if mark else f'<tspan{dy}>{escape(plain)}</tspan>' if dy else escape(plain)
    return out

def width(text, size, bold=False): # about; what is small is counted as small
    small = sum(len(s) for s in re.findall(r'[_^]\{([^}]*)\}', text))
    return (len(re.sub(r'[_^]\{[^}]*\}|[\u0300-\u036f]', '', text)) + .72*small)*size*(.625 if bold else .575)   # as wide as letters of DejaVu, which are wider than most

@dataclass
class Box:
    x: float; y: float; w: float; h: float   # the middle, and the size
    @property
    def l(self): return self.x - self.w/2, self.y
    @property
    def r(self): return self.x + self.w/2, self.y
    @property
    def t(self): return self.x, self.y - self.h/2
    @property
    def b(self): return self.x, self.y + self.h/2
    def rect(self): return self.x - self.w/2, self.y - self.h/2, self.x + self.w/2, self.y + self.h/2

def meet(a, b): return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]   # two rectangles
def around(p, q): return min(p[0], q[0]) - 1, min(p[1], q[1]) - 1, max(p[0], q[0]) + 1, max(p[1], q[1]) + 1   # a piece of a line

class Figure:
    def __init__(self, w, h, title):
        self.w, self.h, self.title, self.under, self.over, self.boxes, self.words, self.lines = w, h, title, [], [], [], [], []

    def panel(self, x0, y0, x1, y1, title=''):
        self.under.append(f'<rect class="panel" x="{x0}" y="{y0}" width="{x1-x0}" height="{y1-y0}" rx="12"/>')
        if title: self.text(x0 + 14, y0 + 20, title, 12.5, 'start', 'b soft')

    def text(self, x, y, text, size=12, anchor='middle', kind='soft', inside=False): # y is the base line
        cls = ' '.join(kind.split())
        self.over.append(f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}"' + (f' class="{cls}"' if cls else '') + f'>{rich(text, size)}</text>')
        n = width(text, size, 'b' in cls.split()); x0 = x - dict(start=0, middle=n/2, end=n)[anchor]
        if not inside: self.words.append((text, (x0, y - .75*size, x0 + n, y + .2*size)))
        return x0, x0 + n

    def box(self, x, y, text, role, w=120, h=46, pale=False, size=14):
        "The first line is the name, the others are what there is to say about it."
        b = Box(x, y, w, h); self.boxes.append((text, b)); first, *rest = text.split('\n')
        self.over.append('<g class="pale">' if pale else '<g>')
        self.over.append(f'<rect class="{role}" x="{x-w/2:g}" y="{y-h/2:g}" width="{w}" height="{h}" rx="8" stroke-width="1.4"/>')
        top = y + .35*size - 7.5*len(rest)
        for i, line in enumerate([first, *rest]):
            x0, x1 = self.text(x, top + (15*i + 1 if i else 0), line, 12 if i else size, kind='soft' if i else 'b', inside=True)
            if x1 - x0 > w - 6: raise ValueError(f'{self.title}: {line!r} is wider than its box: {x1-x0:.0f} of {w}')
        self.over.append('</g>')
        return b

    def arrow(self, *points, label='', gap=0, pale=False, tip=True):
        "Along the points, with round corners; the label goes beside the longest piece, `gap` off its middle."
        pts = [tuple(map(float, p)) for p in points]; pieces = list(zip(pts, pts[1:])); self.lines += [(label, p) for p in pieces]
        d = f'M{pts[0][0]:g} {pts[0][1]:g}'
        for a, b, c in zip(pts, pts[1:], pts[2:]):
            r = min(9, (abs(a[0]-b[0]) + abs(a[1]-b[1]))/2, (abs(c[0]-b[0]) + abs(c[1]-b[1]))/2); sign = lambda u, v: (u > v) - (u < v)
            i, o = [(b[0] + r*sign(p[0], b[0]), b[1] + r*sign(p[1], b[1])) for p in (a, c)]
            d += f'L{i[0]:g} {i[1]:g}Q{b[0]:g} {b[1]:g} {o[0]:g} {o[1]:g}'
        d += f'L{pts[-1][0]:g} {pts[-1][1]:g}'
        self.under.append(f'<path class="line{" pale" if pale else ""}" d="{d}"' + (' marker-end="url(#tip)"/>' if tip else '/>'))
        if not label: return
        (xa, ya), (xb, yb) = max(pieces, key=lambda p: abs(p[0][0]-p[1][0]) + abs(p[0][1]-p[1][1]))
        if ya == yb: self.text((xa+xb)/2 + gap, ya - 7, label)
        else: self.text(xa + 8, (ya+yb)/2 + 4 + gap, label, anchor='start')

    def fork(self, *points, to, pale=False, **kwargs):
        "To the last point, and on from there to several: each of `to` is a list of points. Where the lines part there is a dot."
        self.arrow(*points, pale=pale, tip=False, **kwargs); self.dot(*points[-1], pale)
        for more in to: self.arrow(points[-1], *more, pale=pale)

    def dot(self, x, y, pale=False): self.over.append(f'<circle class="tip{" pale" if pale else ""}" cx="{x:g}" cy="{y:g}" r="3"/>')
    def raw(self, svg): self.over.append(svg)

    def faults(self): # what lies on what it should not
        for i, (t, r) in enumerate(self.words):
            if r[0] < 4 or r[1] < 2 or r[2] > self.w - 4 or r[3] > self.h - 2: yield f'{t!r} leaves the card'
            yield from (f'{t!r} lies on {u!r}' for u, s in self.words[:i] if meet(r, s))
            yield from (f'{t!r} lies on the box {u!r}' for u, b in self.boxes if meet(r, b.rect()))
            yield from (f'an arrow {u!r} {p} crosses {t!r}' for u, p in self.lines if meet(r, around(*p)))
        for t, b in self.boxes:
            x0, y0, x1, y1 = b.rect()
            yield from (f'an arrow {u!r} {p} crosses the box {t!r}' for u, p in self.lines if meet((x0+3, y0+3, x1-3, y1-3), around(*p)))
            yield from (f'the boxes {t!r} and {u!r} overlap' for u, c in self.boxes if c is not b and meet(b.rect(), c.rect()))

    def save(self, path):
        if bad := list(self.faults()): raise ValueError(f'{path.name}: ' + '; '.join(bad))
        tip = '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path class="tip" d="M0 .8L10 5L0 9.2z"/></marker></defs>'
        card = f'<rect class="card" x=".5" y=".5" width="{self.w-1}" height="{self.h-1}" rx="14"/>'
        path.write_text('\n'.join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.w} {self.h}" width="{self.w}" height="{self.h}" role="img">', f'<title>{escape(self.title)}</title>',
                                   style(), tip, card, *self.under, *self.over, '</svg>', '']), encoding='utf-8')
