"""Makes the site, and looks at every page as a phone shows it: `python tools/site.py`. Prints what is broken; the exit status is 1 if that is anything.

The pages are written by quarto where it is installed (on GitHub), otherwise by smalldocs, which reads the same settings. Formulas are drawn by KaTeX from the network, and nobody checks them here."""
import json, os, re, shutil, subprocess, sys, tempfile, threading
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlparse

PHONE = 390   # pixels
VOID = ('http:', 'https:', 'mailto:', 'javascript:', 'data:', '//')   # what leads out of the site

def make(top): # a repository → the folder of its pages
    "nbdev takes out what is hidden and makes links of names in backticks; a quarto that does nothing keeps it from going on by itself."
    proc = top/'_proc'; shutil.rmtree(proc, ignore_errors=True)
    with tempfile.TemporaryDirectory() as bin:
        (Path(bin)/'quarto').write_text('#!/bin/sh\n'); (Path(bin)/'quarto').chmod(0o755)
        subprocess.run(['nbdev_proc_nbs'], cwd=top, check=True, env={**os.environ, 'PATH': f'{bin}:{os.environ["PATH"]}', 'PYTHONWARNINGS': 'ignore'})
    shutil.copytree(top/'images', proc/'images')
    for p in proc.rglob('*.ipynb'):
        text = p.read_text(encoding='utf-8').replace('../images/', 'images/')                                      # the pictures are now one floor nearer
        p.write_text(re.sub(r'(\]\((?:[\w/.]+\.ipynb)?#)([^)\s]+)\)', lambda m: f'{m[1]}{m[2].lower()})', text), encoding='utf-8')  # Jupyter's anchors keep capitals, quarto's don't
    subprocess.run(['quarto', 'render', '--no-execute'] if shutil.which('quarto') else ['smalldocs', 'render', '--quiet'], cwd=proc, check=True, stderr=subprocess.DEVNULL)
    return proc/'_site'

class Page(HTMLParser):
    "The links of a page, and the places in it that can be linked to."
    def __init__(self, path): super().__init__(); self.links, self.ids = [], {'', 'top'}; self.feed(path.read_text(encoding='utf-8'))
    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs); self.ids |= {attrs.get('id'), attrs.get('name')}
        self.links += [attrs[k] for k in ('href', 'src') if attrs.get(k)]

def dangling(site): # → 'page: link leads nowhere', for all that stay in the site
    pages = {p.resolve(): Page(p) for p in sorted(site.rglob('*.html')) if 'site_libs' not in p.parts}
    for path, page in pages.items():
        for link in dict.fromkeys(l for l in page.links if not l.startswith(VOID)):
            url = urlparse(link); to = (path.parent/unquote(url.path)).resolve() if url.path else path
            to = to/'index.html' if to.is_dir() else to; name = path.relative_to(site.resolve())
            if not to.exists(): yield f'{name}: {link} leads nowhere'
            elif to in pages and unquote(url.fragment) not in pages[to].ids: yield f'{name}: no place {link}'

LOOK = """<!doctype html><script>
const wait = ms => new Promise(f => setTimeout(f, ms)), out = {};
async function look(page) {   // in a frame as wide as a phone: how wide it would like to be, and which pictures it has not got
  const f = document.createElement('iframe'); f.style = 'border:0;height:800px;width:%dpx'; f.src = page; document.body.append(f);
  await new Promise(g => f.onload = g); const d = f.contentDocument, bad = [];
  for (const i of d.images) { i.loading = 'eager'; try { await i.decode() } catch (e) { if (!/^https?:/.test(i.getAttribute('src'))) bad.push(i.getAttribute('src').slice(0, 80)) } }
  await wait(100); const w = d.documentElement.clientWidth, wide = Math.max(d.documentElement.scrollWidth, d.body.scrollWidth) - w, guilty = [];
  if (wide > 0) for (const e of d.querySelectorAll('main *')) if (e.getBoundingClientRect().right > w + 1 && !e.closest('pre, .scrolls')) guilty.push(e.tagName.toLowerCase() + ': ' + e.textContent.trim().slice(0, 40));
  out[page] = {wide, bad, guilty: guilty.slice(0, 3)}; f.remove();
}
onload = async () => { for (const p of %s) await look(p); await fetch('/_seen', {method: 'POST', body: JSON.stringify(out)}) };
</script><body></body>"""

def browser(): return next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)

class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *args): pass
    def do_GET(self):
        if self.path != '/_look': return super().do_GET()
        self.send_response(200); self.send_header('Content-Type', 'text/html'); self.end_headers(); self.wfile.write(self.server.look.encode())
    def do_POST(self):
        self.server.seen = json.loads(self.rfile.read(int(self.headers['Content-Length']))); self.send_response(204); self.end_headers(); self.server.done.set()

def measured(site, timeout=300): # → 'page: what is wrong with how it looks'
    pages = [p.relative_to(site).as_posix() for p in sorted(site.rglob('*.html')) if 'site_libs' not in p.parts]
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Handler, directory=str(site))); server.look, server.done = LOOK % (PHONE, json.dumps(pages)), threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as profile:
        seeing = subprocess.Popen([browser(), '--headless', '--no-sandbox', '--disable-gpu', f'--user-data-dir={profile}', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
                                   f'http://127.0.0.1:{server.server_port}/_look'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try: assert server.done.wait(timeout), f'the browser did not finish {len(pages)} pages in {timeout} s'
        finally: seeing.terminate(); seeing.wait(); server.shutdown(); server.server_close()
    for page, x in server.seen.items():
        yield from (f'{page}: picture {src} does not show' for src in x['bad'])
        if x['wide'] > 0: yield f'{page}: {x["wide"]} pixels wider than a phone ({"; ".join(x["guilty"])})'

def main():
    site = make(Path(__file__).resolve().parent.parent); found = [*dangling(site), *(measured(site) if browser() else ['no chromium here: nobody looked at the pages'])]
    print(*found, f'{len(list(site.rglob("*.html")))} pages in {site}, {len(found)} findings', sep='\n'); sys.exit(bool(found))

if __name__ == '__main__': main()
