"`tools/check.py` on made-up notebooks: each fault alone is found, and without it nothing is."
import importlib.util, json, subprocess, sys
from pathlib import Path
import pytest

TOP = Path(__file__).parent.parent
spec = importlib.util.spec_from_file_location('check', TOP/'tools/check.py')
tool = importlib.util.module_from_spec(spec); spec.loader.exec_module(tool)

PICTURE = '![the network](../images/network.svg)'

def cell(source, kind='code', i='c0', outputs=()):
    return dict(cell_type=kind, id=i, metadata={}, source=source.splitlines(True), **(dict(execution_count=None, outputs=list(outputs)) if kind == 'code' else {}))

def notebook(path, *cells): path.parent.mkdir(parents=True, exist_ok=True); path.write_text(json.dumps(dict(cells=list(cells), metadata={}, nbformat=4, nbformat_minor=5)))

@pytest.fixture
def top(tmp_path):
    "A small repository without a fault."
    (tmp_path/'images').mkdir(); (tmp_path/'images/network.svg').write_text('<svg/>')
    notebook(tmp_path/'nbs/other.ipynb', cell(f'# Other\n\n## On a GPU\n{PICTURE}', 'markdown'))
    (tmp_path/'nbs/_quarto.yml').write_text('contents: [book.ipynb, other.ipynb]')
    return tmp_path

def found(top, code='', text=PICTURE, outputs=()): # the findings in a notebook with one exported cell and one text
    notebook(top/'nbs/book.ipynb', cell('#| export\n' + code, i='c1', outputs=outputs), cell(text, 'markdown', 'm1'))
    return tool.check(top)

def test_nothing_is_wrong_with_nothing(top): assert found(top) == []

GOOD = {
    'docstring':  'def f(x): "Twice."; return 2*x',
    'comment':    'def f(x): # → twice as much\n    return 2*x',
    'docments':   'def f(a, # how many\n      b, # how far\n      c  # how long\n     ):\n    "Walk."',
    'named':      'def f(a, b, c):\n    "Walk `a` steps of `b` in c seconds."',
    'house':      'def f(images, ids, lengths):\n    "What does it look like?"',
    'two':        'def f(a, b):\n    "Both."',
    'shape':      'def f(x): # (B, D) → (B,)\n    return torch.cat([x]).sum(1)',
    'class':      'class A(nn.Module):\n    "(B, C, H, W) → (B, C, H, W)."\n    def __init__(self): super().__init__()\n    def forward(self, x): return x',
    'hook':       'class A(Callback):\n    "A."\n    def before_fit(self): pass',
    'private':    'def _f(a, b, c): return torch.cat([a, b, c])\nclass _A:\n    def g(self): pass',
    'patched':    '@patch\ndef _f(self: A, a, b, c): return 1',
    '25 lines':   '\n\n'.join(f'a{i} = 1' for i in range(25)),
}
@pytest.mark.parametrize('name', GOOD)
def test_what_is_told_is_not_found(top, name): assert found(top, GOOD[name]) == []

BAD = {
    'f says nowhere what it does':            'def f(x): return 2*x',
    'A says nowhere what it is':              'class A:\n    n = 1',
    'A.g says nowhere what it does':          'class A:\n    "A."\n    def g(self): return 1',
    'h says nowhere what it does':            '@patch\ndef h(self: A): return 1',
    'f does not explain c':                   'def f(a, b, c):\n    "From a to b."',
    'f does not explain b, c':                'def f(a, # how many\n      b, c):\n    "Walk."',
    'A.__init__ does not explain a, b, c':    'class A:\n    "It."\n    def __init__(self, a, b, c): pass',
    'f works on tensors and shows no shape':  'def f(x): # 0…255 (CVPR) (this, or that)\n    return torch.cat([x]).sum(1)',
    'A.forward works on tensors and shows no shape': 'class A(nn.Module):\n    "A layer."\n    def forward(self, x): return x',
    '26 lines, more than 25: let it grow with @patch, or in two cells': '\n\n'.join(f'a{i} = 1' for i in range(26)),
}
@pytest.mark.parametrize('what', BAD)
def test_what_is_not_told_is_found(top, what): assert found(top, BAD[what]) == [f'nbs/book.ipynb c1: {what}']

def test_only_what_is_exported_has_to_be_told(top):
    notebook(top/'nbs/book.ipynb', cell('def f(x): return 2*x'), cell(PICTURE, 'markdown'))
    assert tool.check(top) == []

def test_a_notebook_without_a_picture(top):
    assert found(top, text='words') == ['nbs/book.ipynb: has no picture']
    drawn = dict(output_type='display_data', metadata={}, data={'image/png': 'iVBO'})
    assert found(top, text='words', outputs=[drawn]) == []

@pytest.mark.parametrize('link', ['other.ipynb', 'other.ipynb#On-a-GPU', 'other.ipynb#on-a-gpu', '../images/network.svg', '#Here', 'https://example.org/none', f'{tool.REPO}nbs/other.ipynb', '.'])
def test_a_link_that_leads_somewhere(top, link): assert found(top, text=f'## Here\n{PICTURE} [x]({link}) and <img src="../images/network.svg">') == []

@pytest.mark.parametrize('link, what', [('gone.ipynb', 'leads nowhere'), ('../images/gone.png', 'leads nowhere'), (f'{tool.REPO}gone.py', 'leads nowhere'),
                                        ('other.ipynb#On-a-TPU', 'no heading'), ('#There', 'no heading')])
def test_a_link_that_leads_nowhere(top, link, what):
    [said] = found(top, text=f'## Here\n{PICTURE} [x]({link})')
    assert said.startswith('nbs/book.ipynb m1: ') and link in said and what in said

def test_a_picture_in_html_that_is_not_there(top): assert found(top, text='<img src="../images/gone.svg">') == ['nbs/book.ipynb m1: ../images/gone.svg leads nowhere']

def test_code_is_no_link(top): assert found(top, text=f'{PICTURE} `a[0](gone)`\n```python\na[0](gone)\n```') == []

def test_pages_beside_the_notebooks(top):
    found(top); (top/'README.md').write_text('[book](nbs/book.ipynb) [x](nbs/gone.ipynb)')
    assert tool.check(top) == ['README.md: nbs/gone.ipynb leads nowhere']

def test_a_picture_that_nobody_shows(top):
    (top/'images/lonely.png').write_bytes(b'')
    assert found(top) == ['images/lonely.png: nobody shows it']
    assert found(top, text=PICTURE + '<source media="(prefers-color-scheme: dark)" srcset="../images/lonely.png">') == []

def test_a_notebook_outside_of_the_sidebar(top):
    found(top); (top/'nbs/_quarto.yml').write_text('contents: [other.ipynb]')
    assert tool.check(top) == ['nbs/book.ipynb: is not in the sidebar, nbs/_quarto.yml']
    (top/'nbs/_quarto.yml').write_text('contents: [book.ipynb, gone.ipynb, other.ipynb]')
    assert tool.check(top) == ['nbs/_quarto.yml: gone.ipynb leads nowhere']

def test_exit_status(top):
    import subprocess
    run = lambda: subprocess.run([sys.executable, TOP/'tools/check.py', top], capture_output=True, text=True)
    found(top); done = run(); assert (done.returncode, done.stdout) == (0, '0 findings\n')
    found(top, 'def f(x): return 2*x'); done = run(); assert done.returncode == 1 and 'c1: f says nowhere' in done.stdout
