"""Run notebooks and keep their outputs: `python tools/execute.py [nbs/…ipynb …]`.

Without arguments all of them. Each runs in a fresh kernel, in its own folder. stderr
(warnings, progress bars) is dropped, since it holds local paths. With `--check` nothing
is written and cells marked `#| slow` are skipped, as in `nbdev_test`; unlike that, it
also works with the newest fastcore, which nbdev 2 cannot import.
"""
import argparse
import base64
import io
import re
import subprocess
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

TOP = Path(__file__).resolve().parent.parent


def is_skipped(cell, check):
    "Text, code that is only shown, and when checking what takes long."
    if cell.cell_type != 'code' or '#| eval: false' in cell.source:
        return True
    return check and bool(re.search(r'^#\| *slow', cell.source, re.M))


def smaller(png):
    """The same picture in 256 colours, if that saves bytes (base64 in and out).

    Not by median cut, which spends its colours on large skies and turns a green crown brown.
    """
    image = Image.open(io.BytesIO(base64.b64decode(png))).convert('RGB')
    image = image.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=1)
    out = io.BytesIO()
    image.save(out, 'PNG', optimize=True)
    return min(png, base64.b64encode(out.getvalue()).decode(), key=len)


def is_progress_bar(output):
    "A bar, its style sheet, or the empty text it leaves behind."
    html = output.get('data', {}).get('text/html')
    if html is None:
        return False
    return not html.strip() or bool(re.search(r'<progress|progress *\{', html))


def execute(path, check=False):
    "Run one notebook; unless it is only checked, write its outputs into it."
    start = time.time()
    nb = nbformat.read(path, as_version=4)
    folder = dict(metadata=dict(path=str(path.parent)))
    client = NotebookClient(nb, timeout=4*3600, resources=folder, coalesce_streams=True)
    with client.setup_kernel():
        for i, cell in enumerate(nb.cells):
            if is_skipped(cell, check):
                continue
            client.execute_cell(cell, i)
            cell.outputs = [o for o in cell.outputs
                            if o.get('name') != 'stderr' and not is_progress_bar(o)]
            for output in cell.outputs:
                data = output.get('data', {})
                if 'image/png' in data:
                    data['image/png'] = smaller(data['image/png'])
    if not check:
        nbformat.write(nb, path)
    print(f'{path.relative_to(TOP)} {time.time() - start:.0f} s', flush=True)


def main():
    parser = argparse.ArgumentParser(description='Run notebooks and keep their outputs.')
    parser.add_argument('paths', nargs='*', type=Path, help='notebooks; none: all of them')
    parser.add_argument('--check', action='store_true', help='write nothing, skip slow cells')
    args = parser.parse_args()
    paths = args.paths or sorted((TOP/'nbs').rglob('[0-9a-z]*.ipynb'))
    for path in paths:
        if '.ipynb_checkpoints' not in path.parts:
            execute(path.resolve(), args.check)
    if not args.check:
        subprocess.run(['nbdev_clean'], cwd=TOP, check=True)


if __name__ == '__main__':
    main()
