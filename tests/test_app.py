"The page as a visitor meets it: a real Chromium types, presses and points; fifty ask at once; nobody else is asked, and nobody else can ask."
import json, os, shutil, signal, socket, subprocess, sys
from pathlib import Path
from urllib.parse import urlparse
import numpy as np
import pytest

pytest.importorskip('gradio', reason="the page needs gradio: pip install 'attngan[app]'")
from gradio_client import Client
from gradio_client.exceptions import AppError
from attngan.app import EXAMPLES, LONGEST, picture, write_space
from attngan.inference import TextToImage

@pytest.fixture(scope='module')
def model(): return TextToImage.from_pretrained('paperbirds')

@pytest.fixture(scope='module')
def outside():
    "A proxy for all requests that leave this machine; it only hears that somebody comes."
    with socket.create_server(('127.0.0.1', 0)) as s: s.setblocking(False); yield s

def start(command, proxy, **kwargs): # → process, address
    address = f'http://127.0.0.1:{proxy.getsockname()[1]}'
    env = {**os.environ, **{k: address for k in ('http_proxy', 'https_proxy', 'all_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY')}, 'no_proxy': '127.0.0.1,localhost', 'NO_PROXY': '127.0.0.1,localhost', 'PYTHONWARNINGS': 'ignore'}
    p = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, **kwargs)
    url = p.stdout.readline().strip()
    if not url: pytest.fail(p.communicate()[1][-2000:])
    return p, url

def stop(p):
    p.send_signal(signal.SIGINT)
    try: p.communicate(timeout=20)
    except subprocess.TimeoutExpired: p.kill(); p.communicate()

@pytest.fixture(scope='module')
def url(outside):
    p, url = start([Path(sys.executable).with_name('attngan_app')], outside)
    yield url
    stop(p)

def same(answer, drawings):
    return len(answer['pictures']) == len(drawings) and all(len(p['stages']) == len(stages) and all(np.array_equal(picture(s['png']), i) for s, i in zip(p['stages'], stages)) for p, stages in zip(answer['pictures'], drawings.stages))

def reachable(url, host):
    try: socket.create_connection((host, urlparse(url).port), timeout=5).close(); return True
    except OSError: return False

# Programs

def test_fifty_at_once_and_none_is_lost(url, model):
    client, sentences = Client(url, verbose=False, max_workers=50), [EXAMPLES[i % len(EXAMPLES)] for i in range(50)]
    jobs = [client.submit(s, i, 1 + i % 2, api_name='/draw') for i, s in enumerate(sentences)]
    answers = [j.result(timeout=120) for j in jobs]
    assert [same(a, model.generate(s, n=1 + i % 2, seed=i)) for i, (a, s) in enumerate(zip(answers, sentences))] == [True]*50
    assert not same(answers[0], model.generate(sentences[0], seed=1))                            # it could have been another one

@pytest.mark.parametrize('request_, message', [(('', 0, 1), 'no words'), (('zebra', 0, 1), 'unknown words'), (('red '*LONGEST, 0, 1), 'shorten it'), (('a red bird', 0, 99), 'number of pictures'), (('a red bird', 0, 1.5), 'number of pictures'), (('a red bird', -1, 1), 'seed'), (('a red bird', None, 1), 'seed'), ((None, 0, 1), 'must be a string')])
def test_a_program_is_told_what_is_wrong(url, request_, message):
    with pytest.raises(AppError, match=message): Client(url, verbose=False).predict(*request_, api_name='/draw')

@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='127.0.0.2 is this machine on Linux only')
def test_only_this_machine_may_ask(url): assert reachable(url, '127.0.0.1') and not reachable(url, '127.0.0.2')

@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='127.0.0.2 is this machine on Linux only')
def test_a_space_draws_and_everybody_may_ask(model, outside, tmp_path):
    p, url = start([sys.executable, 'app.py'], outside, cwd=write_space(model, tmp_path/'space'))
    try:
        here = f'http://127.0.0.1:{urlparse(url).port}/'
        assert reachable(here, '127.0.0.2')
        assert same(Client(here, verbose=False).predict('a red bird', 3, 1, api_name='/draw'), model.generate('a red bird', seed=3))
    finally: stop(p)

# People

@pytest.fixture(scope='module')
def chromium():
    from playwright.sync_api import sync_playwright
    path = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome', 'chrome'))), None)
    with sync_playwright() as p:
        path = path or p.chromium.executable_path
        if not Path(path).exists(): pytest.skip('no Chromium on this machine: `apt install chromium`, or `playwright install chromium`')
        browser = p.chromium.launch(executable_path=path, args=['--no-sandbox']); yield browser; browser.close()

class Visitor:
    "A page, and what it has asked for."
    def __init__(self, chromium, url, **kwargs):
        self.page, self.asked, self.wrong = chromium.new_page(**kwargs), [], []
        self.page.on('request', lambda r: self.asked.append(r.url)); self.page.on('pageerror', lambda e: self.wrong.append(str(e)))
        self.page.goto(url); self.page.wait_for_selector('.stage img')
    def pictures(self): return self.page.eval_on_selector_all('.stage:last-child img:first-child', 'all => all.map(x => x.src)')
    def do(self, action): # → the pictures, when they have changed
        before = self.pictures(); action(); self.page.wait_for_function('before => JSON.stringify([...document.querySelectorAll(".stage:last-child img:first-child")].map(x => x.src)) != before', arg=json.dumps(before, separators=(',', ':')))
        return self.pictures()
    def words(self): return self.page.locator('.words button').all_inner_texts()
    def lit(self): return self.page.eval_on_selector_all('.heat', 'all => all.filter(x => getComputedStyle(x).opacity == 1).map(x => Number(x.dataset.word))')
    def wait_lit(self, n): self.page.wait_for_function('n => [...document.querySelectorAll(".heat")].filter(x => getComputedStyle(x).opacity == 1).length == n', arg=n); return self.lit()
    def type(self, sentence): self.page.fill('#sentence textarea', sentence)
    def press(self, button='Draw'): self.page.click(f'button:text-is("{button}")', timeout=5000)   # sooner than a message goes away: it must not lie on the button

@pytest.fixture
def visitor(chromium, url): v = Visitor(chromium, url); yield v; v.page.close()

def drawn(pictures, drawings): return len(pictures) == len(drawings) and all(np.array_equal(picture(p), i) for p, i in zip(pictures, drawings.images))

def test_type_press_and_see_it_change(visitor, model):
    assert drawn(visitor.pictures(), model.generate(EXAMPLES[0], n=4, seed=0))                   # somebody has drawn before we came
    visitor.type('a blue bird with a red beak')
    assert drawn(visitor.do(visitor.press), model.generate('a blue bird with a red beak', n=4, seed=0)) and visitor.words() == ['blue', 'bird', 'red', 'beak']
    assert drawn(visitor.do(lambda: visitor.press('Draw others')), model.generate('a blue bird with a red beak', n=4, seed=1))
    visitor.page.fill('input[aria-label*="seed" i]', '7'); visitor.page.fill('input[type=number][max="8"]', '2')
    assert drawn(visitor.do(visitor.press), model.generate('a blue bird with a red beak', n=2, seed=7))
    assert drawn(visitor.do(lambda: visitor.page.click(f'text="{EXAMPLES[2]}"')), model.generate(EXAMPLES[2], n=2, seed=7))
    assert visitor.page.eval_on_selector_all('.stage small', 'all => all.map(x => x.innerText)') == ['16 px', '32 px']*2
    assert not visitor.wrong

def test_point_at_a_word_and_see_its_attention(visitor, model):
    word, heats = visitor.words().index('crown'), visitor.page.locator('.stage .heat')
    assert visitor.lit() == []
    visitor.page.hover('.words button:text-is("crown")'); assert visitor.wait_lit(4) == [word]*4           # in all four pictures
    visitor.page.hover('h1'); assert visitor.wait_lit(0) == []
    visitor.page.focus('.words button:text-is("belly")'); assert visitor.wait_lit(4) == [visitor.words().index('belly')]*4   # with a keyboard
    attention, shown = model.generate(EXAMPLES[0], n=4, seed=0).attention[1][0][word], picture(heats.nth(len(visitor.words()) + word).get_attribute('src'))
    assert np.asarray(shown.convert('L')).argmax() == attention.argmax()

def test_a_finger_points_too(chromium, url):
    v = Visitor(chromium, url, viewport=dict(width=390, height=844), has_touch=True, is_mobile=True)
    v.page.tap('.words button:text-is("red")'); assert v.wait_lit(4) == [v.words().index('red')]*4
    boxes = v.page.eval_on_selector_all('.stage, .words button, #sentence, button', 'all => all.map(x => x.getBoundingClientRect()).map(x => [x.left, x.right])')
    assert len(boxes) > 20 and all(0 <= left <= right <= 390 for left, right in boxes)             # nothing sticks out
    tops = v.page.eval_on_selector_all('figure', 'all => all.map(x => x.getBoundingClientRect().top)'); assert tops[0] == tops[1] < tops[2] == tops[3]   # two in a row
    v.page.close()

def test_a_visitor_is_told_what_is_wrong_and_goes_on(visitor, model):
    visitor.type('<b>zebra</b><img src=x>'); before = visitor.pictures(); visitor.press()
    toast = visitor.page.locator('[data-testid="toast-body"]'); toast.wait_for()
    assert "unknown words in '<b>zebra</b><img src=x>'" in toast.inner_text() and not toast.locator('b, img').count()      # text, not HTML
    assert visitor.pictures() == before
    visitor.type('a green zebra'); assert drawn(visitor.do(visitor.press), model.generate('a green', n=4, seed=0))
    assert visitor.page.locator('.note').all_inner_texts() == ['unknown words left out: zebra']
    visitor.type('a white ${document.title} <i>bird</i>'); assert drawn(visitor.do(visitor.press), model.generate('a white bird', n=4, seed=0))
    assert visitor.page.locator('.note').all_inner_texts() == ['unknown words left out: document, title, i']               # … and no program
    visitor.type('red '*LONGEST); assert len(visitor.page.input_value('#sentence textarea')) == LONGEST

def test_nobody_else_is_asked(visitor, url, outside):
    visitor.do(lambda: (visitor.type('a white bird'), visitor.press()))
    assert len(visitor.asked) > 10 and {urlparse(u).netloc for u in visitor.asked if not u.startswith('data:')} == {urlparse(url).netloc}
    with pytest.raises(BlockingIOError): outside.accept()                                        # nor does the server, since it was started
