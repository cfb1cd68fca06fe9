"The site and the figures: what is broken is found, and nothing is broken."
import importlib.util
import re
import shutil
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
sys.path.append(str(TOP/'tools'))


def load_tool(name):
    "A file of tools/; `import site` would be Python's own."
    path = TOP/'tools'/f'{name}.py'
    spec = importlib.util.spec_from_file_location(f'tool_{name}', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


site = load_tool('site')
svg = load_tool('svg')
needs_browser = pytest.mark.skipif(
    not site.browser(), reason='no Chromium here, so pages cannot be looked at')
renderer = shutil.which('smalldocs') or shutil.which('quarto')
needs_dev = pytest.mark.skipif(
    not (shutil.which('nbdev_proc_nbs') and renderer), reason='the dev extra is not installed')
PAGE = (
    '<!doctype html><html><head><meta name="viewport" content="width=device-width">'
    '</head><body><main>{}</main></body></html>'
)


def write_pages(folder, **pages):
    for name, body in pages.items():
        (folder/f'{name}.html').write_text(PAGE.format(body))


def test_dangling(tmp_path):
    links = ['b.html#there', 'b.html#gone', 'c.html', 'https://example.org/x']
    a = ''.join(f'<a href="{link}">x</a>' for link in links) + '<img src="no.png">'
    b = '<h2 id="there">x</h2><a href="#there">x</a>'
    write_pages(tmp_path, a=a, b=b)
    assert list(site.dangling(tmp_path)) == [
        'a.html: no place b.html#gone',
        'a.html: c.html leads nowhere',
        'a.html: no.png leads nowhere',
    ]


@needs_browser
def test_measured(tmp_path):
    (tmp_path/'torn.png').write_bytes(b'not a picture')
    shutil.copy(TOP/'images/colab.svg', tmp_path)
    code = '<pre style="overflow-x: auto"><code>' + 'long '*200 + '</code></pre>'
    write_pages(
        tmp_path,
        good='<p>all is well</p><img src="colab.svg">',
        wide='<p style="width: 700px">too wide for a phone</p>',
        torn='<img src="torn.png">',
        box=code,
    )
    torn, wide = site.measured(tmp_path)
    assert torn == 'torn.html: picture torn.png does not show'
    assert re.match(r'wide\.html: \d+ pixels wider than a phone \(p: too wide', wide)


@needs_browser
@needs_dev
def test_site(tmp_path):
    top = tmp_path/'repo'
    top.mkdir()
    for name in ('nbs', 'images', 'attngan'):
        shutil.copytree(TOP/name, top/name)
    shutil.copy(TOP/'settings.ini', top)
    pages = site.make(top)
    assert list(site.dangling(pages)) == []
    assert list(site.measured(pages)) == []
    chapter = (pages/'12_attention.html').read_text(encoding='utf-8')
    assert 'def attend_regions(' in re.sub('<[^>]+>', '', chapter)   # exported code is shown
    assert 'default_exp' not in chapter                              # directives are not
    assert (pages/'explore/index.html').is_file()


def test_order():
    "The sidebar has the order of the book, and pages know their next one."
    sidebar = (TOP/'nbs/_quarto.yml').read_text()
    listed = re.findall(r'[\w/]+\.ipynb', sidebar)
    chapters = [p for p in listed if p[0].isdigit()]
    assert 'page-navigation: true' in sidebar
    assert listed[0] == 'index.ipynb'
    assert chapters == sorted(chapters)


def test_figures(tmp_path):
    figures = load_tool('figures')
    figures.OUT = tmp_path
    figures.main()
    for p in sorted(tmp_path.iterdir()):
        assert p.read_text() == (TOP/'images'/p.name).read_text(), f'{p.name} is outdated'
        assert 'prefers-color-scheme' in p.read_text() or p.name == 'colab.svg'


def word_on_arrow(f):
    f.text(100, 50, 'a word')
    f.arrow((20, 48), (180, 48))


def word_on_box(f):
    f.box(100, 50, 'box', 'gen')
    f.text(150, 52, 'word')


def word_on_word(f):
    f.text(100, 50, 'one')
    f.text(110, 53, 'two')


def word_outside(f):
    f.text(195, 50, 'too far to the right')


def word_too_wide(f):
    f.box(100, 50, 'a very long name for a box', 'gen')


def box_on_box(f):
    f.box(80, 50, 'a', 'gen')
    f.box(120, 50, 'b', 'gen')


def arrow_through_box(f):
    f.box(100, 50, 'a', 'gen')
    f.arrow((20, 50), (190, 50))


@pytest.mark.parametrize('draw, what', [
    (word_on_arrow, 'crosses'),
    (word_on_box, 'lies on the box'),
    (word_on_word, "lies on 'one'"),
    (word_outside, 'leaves the card'),
    (word_too_wide, 'wider than its box'),
    (box_on_box, 'overlap'),
    (arrow_through_box, 'crosses the box'),
])
def test_figure_refuses(tmp_path, draw, what):
    f = svg.Figure(200, 100, 'a figure')
    with pytest.raises(ValueError, match=what):
        draw(f)
        f.save(tmp_path/'x.svg')
    assert not (tmp_path/'x.svg').exists()
