"Makes README.md from nbs/index.ipynb: `python tools/readme.py`."
import re
from pathlib import Path
import nbformat
from nbconvert import MarkdownExporter

top = Path(__file__).parent.parent
nb = nbformat.read(top/'nbs'/'index.ipynb', as_version=4)
for cell in nb.cells: cell.source = '\n'.join(l for l in cell.source.split('\n') if not l.startswith('#|'))
text, _ = MarkdownExporter().from_notebook_node(nb)
text = re.sub(r'\]\((?!http)([\w/]+\.ipynb)\)', r'](nbs/\1)', text)
text = re.sub(r'\n+```\n(?=from |import )', '\n\n```python\n', text)
(top/'README.md').write_text(text.replace('](../images/', '](images/').strip() + '\n', encoding='utf-8')
