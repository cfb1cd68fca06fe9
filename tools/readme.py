"""Make README.md from nbs/index.ipynb: `python tools/readme.py`.

Links and pictures become absolute, so that they work on the page of PyPI, too.
"""
import re
from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter

TOP = Path(__file__).parent.parent
PAGES = 'https://github.com/annotated-attngan/attngan/blob/main'
FILES = 'https://raw.githubusercontent.com/annotated-attngan/attngan/main'


def without_directives(source):
    "A cell without its `#|` lines."
    return '\n'.join(line for line in source.split('\n') if not line.startswith('#|'))


def main():
    nb = nbformat.read(TOP/'nbs'/'index.ipynb', as_version=4)
    for cell in nb.cells:
        cell.source = without_directives(cell.source)
    text, _ = MarkdownExporter().from_notebook_node(nb)
    text = text.replace('](../images/', f']({FILES}/images/')
    text = text.replace('src="../images/', f'src="{FILES}/images/')
    text = re.sub(r'\]\((?!http|#)([\w/]+\.ipynb)', rf']({PAGES}/nbs/\1', text)
    text = re.sub(r'\]\(\.\./([\w/.-]+)\)', rf']({PAGES}/\1)', text)
    text = re.sub(r'\n+```\n(?=from |import )', '\n\n```python\n', text)
    (TOP/'README.md').write_text(text.strip() + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
