"""Read every notebook and page without running it: `python tools/check.py [top]`.

Prints what it finds; the exit status is 1 if that is anything. Style of the Python
code itself is ruff's business (see pyproject.toml); this tool looks for what a reader
of the book would miss: shapes, explanations, pictures, links, plain words.
"""
import ast
import io
import json
import re
import sys
import tokenize
from pathlib import Path
from urllib.parse import unquote

WIDTH = 100       # columns that a line of any cell may have
EXPLAIN_FROM = 3  # with so many parameters each of them has to be explained
REPO = 'https://github.com/annotated-attngan/attngan/blob/main/'
PYTHON_FOLDERS = ('tests', 'tools', 'examples', 'benchmarks')

# Parameters that mean the same everywhere and are explained once in the book.
KNOWN = set('''
    ids lengths words sentence regions image images class_ids captions caption vocab
    config dls damsm text_encoder image_encoder path folder seed n bs size rng lr device
    cbs title gamma1 gamma2 gamma3 c_in c_out ch act
'''.split())

# Methods whose meaning is given by PyTorch, fastai or Python.
HOOKS = re.compile(
    r'(before|after)_\w+|forward|backward|encodes|decodes|setups|train|reset|accumulate'
    r'|value|name|create_item|get_idxs|find_class|persistent_load|default|build'
    r'|write|flush|read|do_GET|do_POST|log_message')
TENSORS = re.compile(
    r'\bF\.\w+\(|\btorch\.(cat|stack|einsum|zeros|ones|empty|full|randn?|arange|linspace'
    r'|where|bmm|tensor)\(|\.(softmax|log_softmax|permute|movedim|unsqueeze|flatten'
    r'|view|expand)\(')
SHAPE = re.compile(   # (B, D, T), (B,), (values of all tensors,)
    r'\((?=[^()]*([A-Z0-9…]|,\)))[^()\s,]+(, ?[^()\s,]+( [^()\s,]+)?)+\)'
    r'|\(\w[^()]*,\)|\b(scalar|any shapes?)\b')
LINK = re.compile(r'\]\(([^)\s]+)[^)]*\)|(?:src|srcset|href)="([^"]+)"')

# Private words of early drafts, and what the field says.
REFUSED = {
    r'\bcritics?\b': 'discriminator',
    r'\bjudges?\b': 'discriminator, or held-out evaluator',
    r'\btrunks?\b': 'backbone',
    r'\bshel(f|ves)\b': 'cache',
    r'\b(dice|lottery)\b': 'random generator, RNG state',
    r'\b(coins?|tossed|tosses)\b': 'random flip, flip logit',
    r'\bverdicts?\b': 'output head',
    r'\bborrowed eyes\b': 'attention distillation',
    r'\bstand-ins?\b': 'synthetic fixture',
    r'\bwords to pass over\b': 'stop words',
    r'\bpurse\b': 'allocation budget',
    r'\bguests?\b': 'untrusted input',
    r'\bstrangers?\b': 'held out',
    r'\bcrowds?\b': 'distribution',
    r'\bin the mean\b': 'on average',
    r'\bhangs? on\b': 'depends on',
    r'\bbut for (the|its|a)\b': 'except',
    r'\bweights of chance\b': 'random weights',
    r'\bsooner\b': 'faster',
    r'\bwhole house\b': 'say it plainly',
    r'\bno manual\b': 'undocumented',
}
INVERTED = re.compile(
    r'(?:^|[.!:] +)(Whoever|Who [a-z]+s|Counted is|Felt is|Kept is)\b[^?.\n]*\.', re.M)
AMERICAN = re.compile(
    r'\b(colors?|colored|gray|centers?|centered|behaviors?|\w*(?:normaliz|optimiz|initializ'
    r'|generaliz|visualiz|summariz|memoriz|recogniz)\w*)\b', re.I)
LITERAL = re.compile(r'```.*?```|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*\$|\]\([^)]*\)|<[^>]*>'
                     r'|https?://\S+|[\w/.-]+\.(?:ipynb|py|json|md|ini)\b', re.S)


# ---- reading notebooks and pages

def cells(path):
    "The cells of a notebook."
    return json.loads(path.read_text(encoding='utf-8'))['cells']


def source(cell):
    "The text of a cell."
    return ''.join(cell['source'])


def texts(path):
    "Pairs of cell id and Markdown; a page has one, without id."
    if path.suffix == '.md':
        return [('', path.read_text(encoding='utf-8'))]
    return [(c.get('id', ''), source(c)) for c in cells(path) if c['cell_type'] == 'markdown']


def code_cells(path):
    "Pairs of cell id and code."
    return [(c.get('id', ''), source(c)) for c in cells(path) if c['cell_type'] == 'code']


def is_exported(code):
    "Does this cell become part of the library?"
    return bool(re.search(r'^#\|\s*export[is]?\b', code, re.M))


def comments_of(code):
    "A dictionary: line number -> comment."
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return {t.start[0]: t.string for t in tokens if t.type == tokenize.COMMENT}


# ---- the library: explanations and shapes

def is_public(name):
    "`__init__` counts as public: its parameters are what a user passes."
    return name == '__init__' or not name.startswith('_')


def public_functions(tree):
    "Pairs of class (or None) and function definition."
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and is_public(node.name):
            yield None, node
        elif isinstance(node, ast.ClassDef) and is_public(node.name):
            for f in node.body:
                if isinstance(f, ast.FunctionDef) and is_public(f.name):
                    yield node, f


def head_comments(node, comments):
    "The comments between `def` and the first statement."
    last = node.body[0].lineno - 1
    return {i: text for i, text in comments.items() if node.lineno <= i <= last}


def unexplained(node, comments):
    "Parameters without a type, a comment on their line, or a word in the docstring."
    head = head_comments(node, comments)
    text = f'{ast.get_docstring(node)} {" ".join(head.values())}'
    args = [*node.args.args, *node.args.kwonlyargs]
    args = [a for a in args if a.arg not in ('self', 'cls')]
    if len(args) < EXPLAIN_FROM:
        return []
    one_a_line = len({a.lineno for a in args}) > 1
    missing = []
    for a in args:
        commented = a.lineno in head if one_a_line else bool(head)
        mentioned = re.search(rf'\b{a.arg}\b', text)
        if not (a.annotation or a.arg in KNOWN or commented or mentioned):
            missing.append(a.arg)
    return missing


def in_function(cls, f, code, comments):
    "Findings in one public function."
    name = f'{cls.name}.{f.name}' if cls else f.name
    body = '\n'.join(code.splitlines()[f.lineno - 1:f.end_lineno])
    docstring = ast.get_docstring(f) or ''
    own = [text for i, text in comments.items() if f.lineno <= i <= f.end_lineno]
    hook = f.name == '__init__' or HOOKS.fullmatch(f.name)
    if not (docstring or head_comments(f, comments) or hook):
        yield f'{name} says nowhere what it does'
    lost = unexplained(f, comments)
    if lost and not HOOKS.fullmatch(f.name):
        yield f'{name} does not explain {", ".join(lost)}'
    shown = ' '.join([docstring, *own, (ast.get_docstring(cls) or '') if cls else ''])
    if (f.name == 'forward' or TENSORS.search(body)) and not SHAPE.search(shown):
        yield f'{name} works on tensors and shows no shape'


def in_export(code):
    "Findings in an exported cell."
    tree = ast.parse(code)
    comments = comments_of(code)
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and is_public(node.name):
            if not ast.get_docstring(node):
                yield f'{node.name} says nowhere what it is'
    for cls, f in public_functions(tree):
        yield from in_function(cls, f, code, comments)


def comprehension_statements(code):
    "Lines on which a comprehension runs for its side effects."
    kinds = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Expr) and isinstance(node.value, kinds):
            yield node.lineno


def assignments_in_one(code):
    "Lines on which several names get values of their own in one statement."
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Assign):
            continue
        targets, value = node.targets[0], node.value
        if not (isinstance(targets, ast.Tuple) and isinstance(value, ast.Tuple)):
            continue
        nested = any(isinstance(target, ast.Tuple) for target in targets.elts)
        given = {ast.unparse(part) for part in ast.walk(value) if isinstance(part, ast.expr)}
        swaps = any(ast.unparse(target) in given for target in targets.elts)
        if not (nested or swaps):
            yield node.lineno


def packed_signatures(code):
    "Lines on which a signature of several lines has its first parameter beside `def`."
    lines = code.splitlines()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef):
            line = lines[node.lineno - 1].partition('#')[0]
            if line.count('(') > line.count(')') and not line.rstrip().endswith('('):
                yield node.lineno


# ---- the book: pictures, width, words, links

def has_picture(path):
    "A figure in the text, or a picture among the outputs."
    for c in cells(path):
        for o in c.get('outputs', []):
            if any('image/' in kind for kind in o.get('data', {})):
                return True
    return any(re.search(r'!\[|<img|<svg', text) for _, text in texts(path))


def in_words(text):
    "Private words and inverted sentences in prose; what stands in code style is not read."
    prose = LITERAL.sub(' ', text)
    for pattern, better in REFUSED.items():
        if m := re.search(pattern, prose, re.I):
            yield f'{m[0]!r}: say {better}'
    if m := INVERTED.search(prose):
        yield f'inverted sentence: {m[0].strip(". ")[:50]!r}'
    if m := AMERICAN.search(prose):
        yield f'{m[0]!r}: British spelling throughout'


def spoken(code):
    "The comments and docstrings of code, as one text."
    try:
        tree = ast.parse(re.sub(r'^[%!].*$', '', code, flags=re.M))
    except SyntaxError:
        return ''
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    found = [ast.get_docstring(n) or '' for n in ast.walk(tree) if isinstance(n, kinds)]
    comments = [c for c in comments_of(code).values() if not c.startswith('#|')]
    return '\n'.join([*found, *comments])


def promise(path):
    "The line under the title of a notebook that becomes a module; else ''."
    if not any(re.search(r'^#\| *default_exp', code, re.M) for _, code in code_cells(path)):
        return ''
    m = re.search(r'^> (.+)$', '\n'.join(t for _, t in texts(path)), re.M)
    return m[1] if m else ''


def in_notebook(path):
    "Pairs of cell id and finding."
    for i, code in code_cells(path):
        wide = [line for line in code.splitlines() if len(line) > WIDTH]
        if wide:
            yield i, f'{len(wide)} lines wider than {WIDTH} columns'
        for what in in_words(spoken(code)):
            yield i, what
        if is_exported(code):
            for what in in_export(code):
                yield i, what
            for line in comprehension_statements(code):
                yield i, f'line {line}: a comprehension for its side effects'
            for line in assignments_in_one(code):
                yield i, f'line {line}: several assignments in one statement'
            for line in packed_signatures(code):
                yield i, f'line {line}: each parameter of a long signature has its own line'
    for i, text in texts(path):
        for what in in_words(text):
            yield i, what
    if len(promise(path)) > WIDTH - 6:
        yield '', f'its promise is the docstring of a module: {WIDTH - 6} letters at most'
    if not has_picture(path):
        yield '', 'has no picture'


def in_script(path):
    "Findings in a Python file beside the notebooks."
    code = path.read_text(encoding='utf-8')
    for line in comprehension_statements(code):
        yield f'line {line}: a comprehension for its side effects'
    for line in packed_signatures(code):
        yield f'line {line}: each parameter of a long signature has its own line'
    if path.name in ('check.py', 'test_check.py'):   # they list the words
        return
    yield from in_words(spoken(code))


def anchors(path):
    "What Jupyter and the site call the headings of a notebook or page."
    text = '\n'.join(t for _, t in texts(path))
    headings = [re.sub(r'[`*]', '', h).strip() for h in re.findall(r'^#+ (.+)$', text, re.M)]
    jupyter = {h.replace(' ', '-') for h in headings}
    site = {re.sub(r'[^\w\- ]', '', h.lower()).replace(' ', '-') for h in headings}
    return jupyter | site


def links(path):
    "Links that stay in this repository: cell id, link, file, anchor."
    top = next(p for p in path.parents if (p/'nbs').is_dir())
    for i, text in texts(path):
        text = re.sub(r'```.*?```|`[^`\n]*`', '', text, flags=re.S)
        for a, b in LINK.findall(text):
            link = a or b
            where, _, anchor = link.removeprefix(REPO).partition('#')
            if ':' in where:
                continue
            start = top if link.startswith(REPO) else path.parent
            target = (start/unquote(where)).resolve() if where else path.resolve()
            yield i, link, target, anchor


def dangling(path):
    "Links to files or headings that do not exist."
    for i, link, target, anchor in links(path):
        if not target.exists():
            yield i, f'{link} leads nowhere'
        elif anchor and target.suffix in ('.ipynb', '.md'):
            if unquote(anchor) not in anchors(target):
                yield i, f'no heading for {link}'


# ---- everything

def check(top):   # a repository
    "All findings, each with its notebook and cell."
    found = []
    notebooks = sorted((top/'nbs').rglob('*.ipynb'))
    notebooks = [p for p in notebooks if '.ipynb_checkpoints' not in p.parts]
    pages = sorted(top.glob('*.md'))
    for p in notebooks:
        found += [(p, i, what) for i, what in in_notebook(p)]
    for p in pages:
        found += [(p, '', what) for what in in_words(texts(p)[0][1])]
    for p in [*notebooks, *pages]:
        found += [(p, i, what) for i, what in dangling(p)]
    for name in PYTHON_FOLDERS:
        for p in sorted((top/name).rglob('*.py')):
            found += [(p, '', what) for what in in_script(p)]
    shown = {target for p in [*notebooks, *pages] for _, _, target, _ in links(p)}
    for p in sorted((top/'images').glob('*')):
        if p.resolve() not in shown:
            found.append((p, '', 'no notebook or page shows it'))
    sidebar = top/'nbs/_quarto.yml'
    listed = re.findall(r'[\w/]+\.ipynb', sidebar.read_text())
    for p in notebooks:
        if p.relative_to(top/'nbs').as_posix() not in listed:
            found.append((p, '', 'is not in the sidebar, nbs/_quarto.yml'))
    for name in listed:
        if not (top/'nbs'/name).exists():
            found.append((sidebar, '', f'{name} leads nowhere'))
    return [f'{p.relative_to(top)}{" " * bool(i)}{i}: {what}' for p, i, what in found]


if __name__ == '__main__':
    here = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent)
    findings = check(here.resolve())
    print(*findings, f'{len(findings)} findings', sep='\n')
    sys.exit(bool(findings))
