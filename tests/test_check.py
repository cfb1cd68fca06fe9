"`tools/check.py` on small made-up repositories: each fault alone is found, and only that."
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
spec = importlib.util.spec_from_file_location('check', TOP/'tools/check.py')
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)

PICTURE = '![the network](../images/network.svg)'
DARK = '<source media="(prefers-color-scheme: dark)" srcset="../images/lonely.png">'


def cell(source, kind='code', id='c0', outputs=()):
    made = dict(cell_type=kind, id=id, metadata={}, source=source.splitlines(True))
    if kind == 'code':
        made.update(execution_count=None, outputs=list(outputs))
    return made


def write_notebook(path, *cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    nb = dict(cells=list(cells), metadata={}, nbformat=4, nbformat_minor=5)
    path.write_text(json.dumps(nb))


@pytest.fixture
def top(tmp_path):
    "A small repository without a fault."
    (tmp_path/'images').mkdir()
    (tmp_path/'images/network.svg').write_text('<svg/>')
    other = cell(f'# Other\n\n## On a GPU\n{PICTURE}', 'markdown')
    write_notebook(tmp_path/'nbs/other.ipynb', other)
    (tmp_path/'nbs/_quarto.yml').write_text('contents: [book.ipynb, other.ipynb]')
    return tmp_path


def found(top, code='', text=PICTURE, outputs=()):
    "The findings in a notebook with one exported cell and one text."
    exported = cell('#| export\n' + code, id='c1', outputs=outputs)
    write_notebook(top/'nbs/book.ipynb', exported, cell(text, 'markdown', 'm1'))
    return tool.check(top)


def test_nothing_is_found_in_nothing(top):
    assert found(top) == []


GOOD = {
    'docstring': 'def f(x):\n    "Twice."\n    return 2*x',
    'comment': 'def f(x): # → twice as much\n    return 2*x',
    'docments': 'def f(\n    a,  # how many\n    b,  # how far\n    c,  # how long\n'
                '):\n    "Walk."',
    'named': 'def f(a, b, c):\n    "Walk `a` steps of `b` in c seconds."',
    'known': 'def f(images, ids, lengths):\n    "What does it look like?"',
    'two': 'def f(a, b):\n    "Both."',
    'shape': 'def f(x): # (B, D) → (B,)\n    return torch.cat([x]).sum(1)',
    'class': 'class A(nn.Module):\n    "(B, C, H, W) → (B, C, H, W)."\n'
             '    def forward(self, x):\n        return x',
    'hook': 'class A(Callback):\n    "A."\n    def before_fit(self):\n        pass',
    'private': 'def _f(a, b, c):\n    return torch.cat([a, b, c])\n'
               'class _A:\n    def g(self):\n        pass',
    'long cell': '\n'.join(f'a{i} = 1' for i in range(60)),
    'list': 'squares = [i*i for i in range(3)]',
}


@pytest.mark.parametrize('name', GOOD)
def test_what_is_told_is_not_found(top, name):
    assert found(top, GOOD[name]) == []


BAD = {
    'f says nowhere what it does': 'def f(x):\n    return 2*x',
    'A says nowhere what it is': 'class A:\n    n = 1',
    'A.g says nowhere what it does': 'class A:\n    "A."\n    def g(self):\n        return 1',
    'f does not explain c': 'def f(a, b, c):\n    "From a to b."',
    'f does not explain b, c': 'def f(\n    a,  # how many\n    b, c,\n):\n    "Walk."',
    'A.__init__ does not explain a, b, c':
        'class A:\n    "It."\n    def __init__(self, a, b, c):\n        pass',
    'f works on tensors and shows no shape':
        'def f(x): # 0…255 (CVPR) (this, or that)\n    return torch.cat([x]).sum(1)',
    'A.forward works on tensors and shows no shape':
        'class A(nn.Module):\n    "A layer."\n    def forward(self, x):\n        return x',
    'line 2: a comprehension for its side effects': '[print(i) for i in range(3)]',
    'line 2: several assignments in one statement': 'a, b = 1, 2',
    'line 2: each parameter of a long signature has its own line':
        'def f(a, # how many\n      b): # how far\n    "Walk."',
    '1 lines wider than 100 columns': 'a = 1  #' + 'x'*100,
    "'critic': say discriminator": 'a = 1  # of the critic',
}


@pytest.mark.parametrize('what', BAD)
def test_what_is_not_told_is_found(top, what):
    assert found(top, BAD[what]) == [f'nbs/book.ipynb c1: {what}']


@pytest.mark.parametrize('text, what', [
    ('The coin is thrown.', "'coin': say random flip, flip logit"),
    ('Whoever wants pictures waits.', "inverted sentence: 'Whoever wants pictures waits'"),
    ('It waits. Who wants more asks.', "inverted sentence: 'Who wants more asks'"),
    ('A gray color.', "'gray': British spelling throughout"),
])
def test_words(top, text, what):
    assert found(top, text=f'{PICTURE}\n{text}') == [f'nbs/book.ipynb m1: {what}']


@pytest.mark.parametrize('text', [
    'Who wants it?', 'The call `F.normalize(color)` is code.', 'A grey colour.',
    '```python\ncritic = 1\n```',
])
def test_words_that_are_allowed(top, text):
    assert found(top, text=f'{PICTURE} {text}') == []


def test_only_what_is_exported_has_to_be_told(top):
    plain = cell('def f(x):\n    return 2*x')
    write_notebook(top/'nbs/book.ipynb', plain, cell(PICTURE, 'markdown'))
    assert tool.check(top) == []


def test_a_notebook_without_a_picture(top):
    assert found(top, text='words') == ['nbs/book.ipynb: has no picture']
    drawn = dict(output_type='display_data', metadata={}, data={'image/png': 'iVBO'})
    assert found(top, text='words', outputs=[drawn]) == []


@pytest.mark.parametrize('link', [
    'other.ipynb', 'other.ipynb#On-a-GPU', 'other.ipynb#on-a-gpu', '../images/network.svg',
    '#Here', 'https://example.org/none', f'{tool.REPO}nbs/other.ipynb', '.',
])
def test_a_link_that_leads_somewhere(top, link):
    text = f'## Here\n{PICTURE} [x]({link}) and <img src="../images/network.svg">'
    assert found(top, text=text) == []


@pytest.mark.parametrize('link, what', [
    ('gone.ipynb', 'leads nowhere'),
    ('../images/gone.png', 'leads nowhere'),
    (f'{tool.REPO}gone.py', 'leads nowhere'),
    ('other.ipynb#On-a-TPU', 'no heading'),
    ('#There', 'no heading'),
])
def test_a_link_that_leads_nowhere(top, link, what):
    [said] = found(top, text=f'## Here\n{PICTURE} [x]({link})')
    assert said.startswith('nbs/book.ipynb m1: ')
    assert link in said
    assert what in said


def test_a_picture_in_html_that_is_not_there(top):
    expected = ['nbs/book.ipynb m1: ../images/gone.svg leads nowhere']
    assert found(top, text='<img src="../images/gone.svg">') == expected


def test_code_is_no_link(top):
    text = f'{PICTURE} `a[0](gone)`\n```python\na[0](gone)\n```'
    assert found(top, text=text) == []


def test_pages_beside_the_notebooks(top):
    found(top)
    (top/'README.md').write_text('[book](nbs/book.ipynb) [x](nbs/gone.ipynb)')
    assert tool.check(top) == ['README.md: nbs/gone.ipynb leads nowhere']


def test_scripts(top):
    found(top)
    (top/'tests').mkdir()
    (top/'tests/test_x.py').write_text('[print(i) for i in range(3)]\n# a shelf\n')
    assert tool.check(top) == [
        'tests/test_x.py: line 1: a comprehension for its side effects',
        "tests/test_x.py: 'shelf': say cache",
    ]


def test_a_picture_that_is_never_shown(top):
    (top/'images/lonely.png').write_bytes(b'')
    assert found(top) == ['images/lonely.png: no notebook or page shows it']
    assert found(top, text=PICTURE + DARK) == []


def test_a_notebook_outside_of_the_sidebar(top):
    found(top)
    sidebar = top/'nbs/_quarto.yml'
    sidebar.write_text('contents: [other.ipynb]')
    assert tool.check(top) == ['nbs/book.ipynb: is not in the sidebar, nbs/_quarto.yml']
    sidebar.write_text('contents: [book.ipynb, gone.ipynb, other.ipynb]')
    assert tool.check(top) == ['nbs/_quarto.yml: gone.ipynb leads nowhere']


def run_check(top):
    command = [sys.executable, TOP/'tools/check.py', top]
    return subprocess.run(command, capture_output=True, text=True)


def test_exit_status(top):
    found(top)
    done = run_check(top)
    assert (done.returncode, done.stdout) == (0, '0 findings\n')
    found(top, 'def f(x):\n    return 2*x')
    done = run_check(top)
    assert done.returncode == 1
    assert 'c1: f says nowhere' in done.stdout
