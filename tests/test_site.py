"The site and the figures: what is broken is found, and nothing is broken."
import importlib.util, re, shutil, sys
from pathlib import Path
import pytest

TOP = Path(__file__).resolve().parent.parent
sys.path.append(str(TOP/'tools'))

def tool(name): # not `import site`, which is Python's own
    spec = importlib.util.spec_from_file_location(f'tool_{name}', TOP/'tools'/f'{name}.py')
    module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)
    return module

site = tool('site')
looks = pytest.mark.skipif(not site.browser(), reason='nobody can look at pages here: no chromium, no google-chrome')
PAGE = '<!doctype html><html><head><meta name="viewport" content="width=device-width"></head><body><main>{}</main></body></html>'

def write(folder, **pages):
    for name, body in pages.items(): (folder/f'{name}.html').write_text(PAGE.format(body))

def test_dangling(tmp_path):
    write(tmp_path, a='<a href="b.html#there">x</a> <a href="b.html#gone">x</a> <a href="c.html">x</a> <img src="no.png"> <a href="https://example.org/x">x</a>', b='<h2 id="there">x</h2><a href="#there">x</a>')
    assert list(site.dangling(tmp_path)) == ['a.html: no place b.html#gone', 'a.html: c.html leads nowhere', 'a.html: no.png leads nowhere']

@looks
def test_measured(tmp_path):
    (tmp_path/'torn.png').write_bytes(b'not a picture'); shutil.copy(TOP/'images/colab.svg', tmp_path)
    write(tmp_path, good='<p>all is well</p><img src="colab.svg">', wide='<p style="width: 700px">too wide for a phone</p>', torn='<img src="torn.png">',
          box='<pre style="overflow-x: auto"><code>' + 'long '*200 + '</code></pre>')
    found = list(site.measured(tmp_path))
    assert len(found) == 2 and found[0] == 'torn.html: picture torn.png does not show' and re.match(r'wide\.html: \d+ pixels wider than a phone \(p: too wide', found[1])

@looks
@pytest.mark.skipif(not (shutil.which('nbdev_proc_nbs') and (shutil.which('smalldocs') or shutil.which('quarto'))), reason="the dev extra is not installed")
def test_site(tmp_path):
    top = tmp_path/'repo'; top.mkdir()
    for p in ('nbs', 'images', 'attngan', 'settings.ini'): (shutil.copytree if (TOP/p).is_dir() else shutil.copy)(TOP/p, top/p)
    pages = site.make(top)
    assert list(site.dangling(pages)) == [] and list(site.measured(pages)) == []
    text = lambda p: (pages/p).read_text(encoding='utf-8')
    assert 'def attend_regions(' in re.sub('<[^>]+>', '', text('12_attention.html')), 'the code of what is exported belongs on the page'
    assert 'default_exp' not in text('12_attention.html') and '/content' not in text('00_presets.html'), 'what is hidden does not'

def test_order(): # the sidebar has the order of the book, and pages know their next one
    config = (TOP/'nbs/_quarto.yml').read_text(); listed = re.findall(r'[\w/]+\.ipynb', config)
    chapters = [p for p in listed if p[0].isdigit()]
    assert 'page-navigation: true' in config and listed[0] == 'index.ipynb' and chapters == sorted(chapters, key=lambda p: p.replace('_', ' '))

def test_figures(tmp_path):
    figures = tool('figures'); figures.OUT = tmp_path; figures.main()
    for p in sorted(tmp_path.iterdir()):
        assert p.read_text() == (TOP/'images'/p.name).read_text(), f'{p.name} is not what tools/figures.py draws'
        assert 'prefers-color-scheme' in p.read_text() or p.name == 'colab.svg'

@pytest.mark.parametrize('what, draw', [('crosses', lambda f: (f.text(100, 50, 'a word'), f.arrow((20, 48), (180, 48)))), ('lies on the box', lambda f: (f.box(100, 50, 'box', 'gen'), f.text(150, 52, 'word'))),
                                        ("lies on 'one'", lambda f: (f.text(100, 50, 'one'), f.text(110, 53, 'two'))),
                                        ('leaves the card', lambda f: f.text(195, 50, 'too far to the right')), ('wider than its box', lambda f: f.box(100, 50, 'a very long name for a box', 'gen')),
                                        ('overlap', lambda f: (f.box(80, 50, 'a', 'gen'), f.box(120, 50, 'b', 'gen'))), ('crosses the box', lambda f: (f.box(100, 50, 'a', 'gen'), f.arrow((20, 50), (190, 50))))])
def test_figure_refuses(tmp_path, what, draw):
    f = tool('svg').Figure(200, 100, 'a figure')
    with pytest.raises(ValueError, match=what): draw(f); f.save(tmp_path/'x.svg')
    assert not (tmp_path/'x.svg').exists()
