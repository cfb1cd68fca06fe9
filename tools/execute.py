"Runs notebooks and keeps their outputs: `python tools/execute.py [nbs/…ipynb …]`; without arguments all of them."
import base64, io, re, subprocess, sys, time
from pathlib import Path
import nbformat
from nbclient import NotebookClient
from PIL import Image

top = Path(__file__).parent.parent

def skipped(cell): return cell.cell_type != 'code' or '#| eval: false' in cell.source

def smaller(png): # base64 → base64
    "The same picture in 256 colours, if that saves bytes; not by median cut, which spends them on large skies and turns a green crown brown."
    out = io.BytesIO(); Image.open(io.BytesIO(base64.b64decode(png))).convert('RGB').quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=1).save(out, 'PNG', optimize=True)
    return min(png, base64.b64encode(out.getvalue()).decode(), key=len)

def bar(html): return bool(re.search(r'<progress|progress *\{', html)) or not html.strip() # a progress bar, its style, or what is left when it has gone; not a table of class fastprogress

def execute(path):
    "Run in a fresh kernel, in the notebook's own folder; stderr (warnings, bars) is dropped, as it holds local paths."
    nb, start = nbformat.read(path, as_version=4), time.time()
    client = NotebookClient(nb, timeout=1800, resources=dict(metadata=dict(path=str(path.parent))))
    with client.setup_kernel():
        for i, cell in enumerate(nb.cells):
            if skipped(cell): continue
            client.execute_cell(cell, i)
            cell.outputs = [o for o in cell.outputs if o.get('name') != 'stderr' and not bar(o.get('data', {}).get('text/html', 'table'))]
            for data in (o.data for o in cell.outputs if 'image/png' in o.get('data', {})): data['image/png'] = smaller(data['image/png'])
    nbformat.write(nb, path)
    print(f'{path.relative_to(top)} {time.time()-start:.0f} s', flush=True)

for p in [Path(a).resolve() for a in sys.argv[1:]] or sorted((top/'nbs').rglob('[0-9a-z]*.ipynb')):
    if '.ipynb_checkpoints' not in str(p): execute(p)
subprocess.run(['nbdev_clean'], cwd=top, check=True)
