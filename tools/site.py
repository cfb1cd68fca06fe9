"""Make the site and look at every page as a phone shows it: `python tools/site.py`.

Prints what is broken; the exit status is 1 if that is anything. The pages are written by
quarto where it is installed (on GitHub), otherwise by smalldocs, which reads the same
settings. Formulas are drawn by KaTeX from the network and are not checked here. The explorable
page is one of them (`explore.py`).
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlparse

PHONE = 390   # pixels
OUTWARD = ('http:', 'https:', 'mailto:', 'javascript:', 'data:', '//')


# ---- making the pages

def _process(top):
    """nbdev hides what is hidden and links names in backticks.

    It would then call quarto by itself: one that does nothing keeps it from that.
    """
    with tempfile.TemporaryDirectory() as folder:
        fake = Path(folder)/'quarto'
        fake.write_text('#!/bin/sh\n')
        fake.chmod(0o755)
        path = f'{folder}:{os.environ["PATH"]}'
        env = {**os.environ, 'PATH': path, 'PYTHONWARNINGS': 'ignore'}
        subprocess.run(['nbdev_proc_nbs'], cwd=top, check=True, env=env)


def _lower_anchor(match):
    return f'{match[1]}{match[2].lower()})'


def make(top):   # a repository
    "The folder with the pages of the site."
    proc = top/'_proc'
    shutil.rmtree(proc, ignore_errors=True)
    _process(top)
    shutil.copytree(top/'images', proc/'images')
    for p in proc.rglob('*.ipynb'):
        text = p.read_text(encoding='utf-8').replace('../images/', 'images/')
        # Jupyter's anchors keep capitals, quarto's do not.
        text = re.sub(r'(\]\((?:[\w/.]+\.ipynb)?#)([^)\s]+)\)', _lower_anchor, text)
        p.write_text(text, encoding='utf-8')
    command = ['smalldocs', 'render', '--quiet']
    if shutil.which('quarto'):
        command = ['quarto', 'render', '--no-execute']
    subprocess.run(command, cwd=proc, check=True, stderr=subprocess.DEVNULL)
    from explore import build  # needs the whole dev extra
    build(proc/'_site'/'explore')
    return proc/'_site'


def html_pages(site):
    "All pages of the site, without those of its libraries."
    return [p for p in sorted(site.rglob('*.html')) if 'site_libs' not in p.parts]


# ---- links

class Page(HTMLParser):
    "The links of a page, and the places in it that can be linked to."

    def __init__(self, path):
        super().__init__()
        self.links = []
        self.ids = {'', 'top'}
        self.feed(path.read_text(encoding='utf-8'))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids |= {attrs.get('id'), attrs.get('name')}
        self.links += [attrs[k] for k in ('href', 'src') if attrs.get(k)]


def dangling(site):
    "A line for each link within the site that leads nowhere."
    pages = {p.resolve(): Page(p) for p in html_pages(site)}
    for path, page in pages.items():
        name = path.relative_to(site.resolve())
        inward = [link for link in page.links if not link.startswith(OUTWARD)]
        for link in dict.fromkeys(inward):
            url = urlparse(link)
            target = (path.parent/unquote(url.path)).resolve() if url.path else path
            if target.is_dir():
                target = target/'index.html'
            if not target.exists():
                yield f'{name}: {link} leads nowhere'
            elif target in pages and unquote(url.fragment) not in pages[target].ids:
                yield f'{name}: no place {link}'


# ---- looks

# Each page in a frame as wide as a phone: how wide would it like to be, which elements
# stick out, and which pictures are missing?
LOOK = """<!doctype html><script>
const wait = ms => new Promise(done => setTimeout(done, ms));
const out = {};
async function missing(doc) {
  const bad = [];
  for (const image of doc.images) {
    image.loading = 'eager';
    try { await image.decode() }
    catch (error) {
      const src = image.getAttribute('src');
      if (!/^https?:/.test(src)) bad.push(src.slice(0, 80));
    }
  }
  return bad;
}
function sticking(doc, width) {
  const found = [];
  for (const e of doc.querySelectorAll('main *'))
    if (e.getBoundingClientRect().right > width + 1 && !e.closest('pre, .scrolls'))
      found.push(e.tagName.toLowerCase() + ': ' + e.textContent.trim().slice(0, 40));
  return found.slice(0, 3);
}
async function look(page) {
  const frame = document.createElement('iframe');
  frame.style = 'border:0;height:800px;width:%dpx';
  frame.src = page;
  document.body.append(frame);
  await new Promise(done => frame.onload = done);
  const doc = frame.contentDocument, bad = await missing(doc);
  await wait(100);
  const width = doc.documentElement.clientWidth;
  const wide = Math.max(doc.documentElement.scrollWidth, doc.body.scrollWidth) - width;
  out[page] = {wide, bad, guilty: wide > 0 ? sticking(doc, width) : []};
  frame.remove();
}
onload = async () => {
  for (const page of %s) await look(page);
  await fetch('/_seen', {method: 'POST', body: JSON.stringify(out)});
};
</script><body></body>"""


def browser():
    "The path of a Chromium, or None."
    for name in ('chromium', 'chromium-browser', 'google-chrome'):
        if path := shutil.which(name):
            return path
    return None


class Handler(SimpleHTTPRequestHandler):
    "Serves the site and the page that looks at it, and takes what that page has seen."

    def log_message(self, *args):
        pass

    def do_GET(self):
        if self.path != '/_look':
            super().do_GET()
            return
        self.send_response(200)
        self.send_header('Content-Type', 'text/html')
        self.end_headers()
        self.wfile.write(self.server.look.encode())

    def do_POST(self):
        length = int(self.headers['Content-Length'])
        self.server.seen = json.loads(self.rfile.read(length))
        self.send_response(204)
        self.end_headers()
        self.server.done.set()


def _look(site, timeout):   # seconds
    pages = [p.relative_to(site).as_posix() for p in html_pages(site)]
    handler = partial(Handler, directory=str(site))
    server = ThreadingHTTPServer(('127.0.0.1', 0), handler)
    server.look = LOOK % (PHONE, json.dumps(pages))
    server.done = threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser(), '--headless', '--no-sandbox', '--disable-gpu',
            f'--user-data-dir={profile}',
            '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
            f'http://127.0.0.1:{server.server_port}/_look',
        ]
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(command, stdout=quiet, stderr=quiet)
        try:
            if not server.done.wait(timeout):
                raise TimeoutError(f'no answer about {len(pages)} pages in {timeout} s')
        finally:
            process.terminate()
            process.wait()
            server.shutdown()
            server.server_close()
    return server.seen


def measured(site, timeout=300):
    "A line for each picture that does not show, and each page wider than a phone."
    for page, seen in _look(site, timeout).items():
        for src in seen['bad']:
            yield f'{page}: picture {src} does not show'
        if seen['wide'] > 0:
            guilty = '; '.join(seen['guilty'])
            yield f'{page}: {seen["wide"]} pixels wider than a phone ({guilty})'


def main():
    site = make(Path(__file__).resolve().parent.parent)
    found = list(dangling(site))
    if browser():
        found += measured(site)
    else:
        print('no Chromium here: the looks of the pages were not checked')
    print(*found, f'{len(html_pages(site))} pages, {len(found)} findings', sep='\n')
    sys.exit(bool(found))


if __name__ == '__main__':
    main()
