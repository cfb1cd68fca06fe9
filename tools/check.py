"Reads the notebooks as a strict colleague would, without running them: `python tools/check.py [top]`. Prints what it finds; the exit status is 1 if that is anything."
import ast, io, json, re, sys, tokenize
from pathlib import Path
from urllib.parse import unquote

LONG, MANY = 25, 3   # so many lines an exported cell may have; with so many parameters each has to be explained
REPO = 'https://github.com/annotated-attngan/attngan/blob/main/'
HOUSE = set('''ids lengths words sentence regions image images class_ids captions caption vocab preset dls damsm text_encoder image_encoder
    path folder seed n bs size rng lr device cbs title gamma1 gamma2 gamma3 c_in c_out ch act'''.split())   # the same everywhere, explained in design and book
HOOKS = re.compile(r'(before|after)_\w+|forward|backward|encodes|decodes|setups|train|reset|accumulate|value|name|create_item|get_idxs|find_class|persistent_load|default')
TENSORS = re.compile(r'\bF\.\w+\(|\btorch\.(cat|stack|einsum|zeros|ones|empty|full|randn?|arange|linspace|where|bmm|tensor)\(|\.(softmax|log_softmax|permute|movedim|unsqueeze|flatten|view|expand)\(')
SHAPE = re.compile(r'\((?=[^()]*([A-Z0-9…]|,\)))[^()\s,]+(, ?[^()\s,]+( [^()\s,]+)?)+\)|\(\w[^()]*,\)|\b(scalar|any shapes?)\b')   # (B, D, T), (B,), (numbers of all tensors,)
LINK = re.compile(r'\]\(([^)\s]+)[^)]*\)|(?:src|srcset|href)="([^"]+)"')

# the library

def exported(code): return re.search(r'^#\|\s*exports?\b', code, re.M)
def public(name): return name == '__init__' or not name.startswith('_')
def comments(code): return {t.start[0]: t.string for t in tokenize.generate_tokens(io.StringIO(code).readline) if t.type == tokenize.COMMENT}   # → {line: text}

def functions(tree): # → each public function with its class, or None
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and public(node.name): yield None, node
        elif isinstance(node, ast.ClassDef) and public(node.name): yield from ((node, f) for f in node.body if isinstance(f, ast.FunctionDef) and public(f.name))

def head(node, notes): # a function, `comments` → {line: text} of those in its head, down to where its body begins
    end = node.body[0].lineno if node.body[0].lineno == node.lineno else node.body[0].lineno - 1
    return {i: t for i, t in notes.items() if node.lineno <= i <= end}

def unexplained(node, notes): # → parameters that nobody explains: no comment on their line, no type, no word about them
    told, text = head(node, notes), f'{ast.get_docstring(node)} {" ".join(head(node, notes).values())}'
    args = [a for a in (*node.args.args, *node.args.kwonlyargs) if a.arg not in ('self', 'cls')]
    if len(args) < MANY: return []
    multi = len({a.lineno for a in args}) > 1                                    # one parameter a line: its comment is its own
    return [a.arg for a in args if not (a.annotation or a.arg in HOUSE or (told if not multi else a.lineno in told) or re.search(rf'\b{a.arg}\b', text))]

def in_function(cls, f, code, notes):
    name, whole = f'{cls.name}.{f.name}' if cls else f.name, '\n'.join(code.splitlines()[f.lineno-1:f.end_lineno])
    doc, own = ast.get_docstring(f) or '', [t for i, t in notes.items() if f.lineno <= i <= f.end_lineno]
    hook = f.name == '__init__' or HOOKS.fullmatch(f.name)
    if not (doc or head(f, notes) or hook): yield f'{name} says nowhere what it does'
    if not HOOKS.fullmatch(f.name) and (lost := unexplained(f, notes)): yield f'{name} does not explain {", ".join(lost)}'
    shown = ' '.join([doc, *own, (ast.get_docstring(cls) or '') if cls else ''])
    if (f.name == 'forward' or TENSORS.search(whole)) and not SHAPE.search(shown): yield f'{name} works on tensors and shows no shape'

def in_export(code):
    long = sum(bool(l.strip()) and not l.startswith('#|') for l in code.splitlines())
    if long > LONG: yield f'{long} lines, more than {LONG}: let it grow with @patch, or in two cells'
    tree, notes = ast.parse(code), comments(code)
    for c in tree.body:
        if isinstance(c, ast.ClassDef) and public(c.name) and not ast.get_docstring(c): yield f'{c.name} says nowhere what it is'
    for cls, f in functions(tree): yield from in_function(cls, f, code, notes)

# the book

def anchors(path): # → what Jupyter and the site call the headings
    text = '\n'.join(t for _, t in texts(path))
    heads = [re.sub(r'[`*]', '', h).strip() for h in re.findall(r'^#+ (.+)$', text, re.M)]
    return {h.replace(' ', '-') for h in heads} | {re.sub(r'[^\w\- ]', '', h.lower()).replace(' ', '-') for h in heads}

def cells(path): return json.loads(path.read_text(encoding='utf-8'))['cells']
def texts(path): # → (cell id, markdown)
    if path.suffix == '.md': return [('', path.read_text(encoding='utf-8'))]
    return [(c.get('id', ''), ''.join(c['source'])) for c in cells(path) if c['cell_type'] == 'markdown']

def links(path): # → (cell id, link, file that it leads to, anchor), of links that stay in this repository
    top = next(p for p in path.parents if (p/'nbs').is_dir())
    for i, text in texts(path):
        for link in (a or b for a, b in LINK.findall(re.sub(r'```.*?```|`[^`\n]*`', '', text, flags=re.S))):
            where, _, anchor = link.removeprefix(REPO).partition('#')
            if ':' not in where: yield i, link, ((top if link.startswith(REPO) else path.parent)/unquote(where)).resolve() if where else path.resolve(), anchor

def dangling(path):
    for i, link, file, anchor in links(path):
        if not file.exists(): yield i, f'{link} leads nowhere'
        elif anchor and file.suffix in ('.ipynb', '.md') and unquote(anchor) not in anchors(file): yield i, f'no heading for {link}'

def has_picture(path):
    drawn = any('image/' in kind for c in cells(path) for o in c.get('outputs', []) for kind in o.get('data', {}))
    return drawn or any(re.search(r'!\[|<img|<svg', t) for _, t in texts(path))

def in_notebook(path):
    for c in cells(path):
        code = ''.join(c['source'])
        if c['cell_type'] == 'code' and exported(code): yield from ((c.get('id', ''), x) for x in in_export(code))
    if not has_picture(path): yield '', 'has no picture'

def check(top): # a repository → what is wrong with it, line by line
    "All findings, each with its notebook and cell."
    books = sorted(p for p in (top/'nbs').rglob('*.ipynb') if '.ipynb_checkpoints' not in p.parts)
    papers = [*books, *sorted(top.glob('*.md'))]
    found = [(p, i, x) for p in books for i, x in in_notebook(p)] + [(p, i, x) for p in papers for i, x in dangling(p)]
    seen = {file for p in papers for _, _, file, _ in links(p)}
    found += [(p, '', 'nobody shows it') for p in sorted((top/'images').glob('*')) if p.resolve() not in seen]
    listed = re.findall(r'[\w/]+\.ipynb', (top/'nbs/_quarto.yml').read_text())
    found += [(p, '', 'is not in the sidebar, nbs/_quarto.yml') for p in books if p.relative_to(top/'nbs').as_posix() not in listed]
    found += [(top/'nbs/_quarto.yml', '', f'{x} leads nowhere') for x in listed if not (top/'nbs'/x).exists()]
    return [f'{p.relative_to(top)}{" "*bool(i)}{i}: {x}' for p, i, x in found]

if __name__ == '__main__':
    found = check(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve())
    print(*found, f'{len(found)} findings', sep='\n'); sys.exit(bool(found))
