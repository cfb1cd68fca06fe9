"""The page as a visitor meets it: a real Chromium types, presses and points; fifty ask at once;
page and server contact nobody else, and nobody else can reach them."""
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock
from urllib.parse import urlparse

import numpy as np
import pytest

pytest.importorskip('gradio', reason="the page needs gradio: pip install 'attngan[app]'")
from gradio import Error  # noqa: E402
from gradio_client import Client  # noqa: E402
from gradio_client.exceptions import AppError  # noqa: E402

from attngan import app  # noqa: E402
from attngan.app import (  # noqa: E402
    EXAMPLES,
    LARGEST_SEED,
    LONGEST,
    MOST,
    draw,
    make_app,
    picture,
    write_space,
)
from attngan.inference import TextToImage  # noqa: E402
from attngan.text import Vocab  # noqa: E402

PROXIES = ('http_proxy', 'https_proxy', 'all_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY')
LINUX = pytest.mark.skipif(not sys.platform.startswith('linux'),
                           reason='127.0.0.2 is this machine on Linux only')


@pytest.fixture(scope='module')
def model():
    return TextToImage.from_pretrained('paperbirds')


@pytest.fixture(scope='module')
def outside():
    "A proxy for all requests that leave this machine; it only hears that somebody comes."
    with socket.create_server(('127.0.0.1', 0)) as listener:
        listener.setblocking(False)
        yield listener


def start(command, proxy, **kwargs):
    "Start a server; its process and address."
    address = f'http://127.0.0.1:{proxy.getsockname()[1]}'
    env = {**os.environ, **dict.fromkeys(PROXIES, address), 'PYTHONWARNINGS': 'ignore',
           'no_proxy': '127.0.0.1,localhost', 'NO_PROXY': '127.0.0.1,localhost'}
    process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, env=env, **kwargs)
    url = process.stdout.readline().strip()
    if not url:
        pytest.fail(process.communicate()[1][-2000:])
    return process, url


def stop(process):
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


@pytest.fixture(scope='module')
def url(outside):
    process, url = start([Path(sys.executable).with_name('attngan_app')], outside)
    yield url
    stop(process)


def connect(url, **kwargs):
    "A client that waits for an answer on a busy machine, too."
    return Client(url, verbose=False, httpx_kwargs=dict(timeout=120), **kwargs)


def same(answer, drawings):
    "Whether an answer of the server holds these drawings, with all stages."
    if len(answer['pictures']) != len(drawings):
        return False
    for sent, stages in zip(answer['pictures'], drawings.stages):
        for stage, image in zip(sent['stages'], stages, strict=True):
            if not np.array_equal(picture(stage['png']), image):
                return False
    return True


def reachable(url, host):
    try:
        socket.create_connection((host, urlparse(url).port), timeout=5).close()
        return True
    except OSError:
        return False


# the function behind the page

def test_draw_answers_in_json(model):
    answer = json.loads(json.dumps(draw(model, 'a red zebra with a black beak', seed=3, n=2)))
    assert answer['words'] == ['red', 'black', 'beak']
    assert answer['notes'] == ['unknown words left out: zebra']
    first = answer['pictures'][0]
    assert [stage['size'] for stage in first['stages']] == [16, 32, 64]
    assert [picture(a).size for a in first['attention']] == [(16, 16)]*3
    with pytest.warns(UserWarning, match='zebra'):
        assert same(answer, model('a red zebra with a black beak', n=2, seed=3))


@pytest.mark.parametrize('request_', (
    dict(sentence=''), dict(sentence='!?'), dict(sentence='zebra'), dict(sentence='red '*51),
    dict(sentence=None), dict(sentence=['a red bird']), dict(n=0), dict(n=MOST + 1), dict(n=True),
    dict(n=1.5), dict(seed=None), dict(seed=-1), dict(seed=LARGEST_SEED + 1), dict(seed='9'*99),
), ids=str)
def test_draw_refuses(model, request_):
    with pytest.raises(ValueError):
        draw(model, **(dict(sentence='a red bird') | request_))


def test_draw_allows_the_most(model):
    assert len(draw(model, 'red '*50, LARGEST_SEED, MOST)['pictures']) == MOST


def test_everybody_gets_their_own_note_and_picture(model):
    def visit(i):
        return draw(model, f'a red bird, number{i}', seed=i)

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(visit, range(48)))
    notes = [[f'unknown words left out: number{i}'] for i in range(48)]
    assert [a['notes'] for a in answers] == notes
    assert all(same(answer, model('a red bird', seed=i)) for i, answer in enumerate(answers))


def test_no_sign_of_code_reaches_the_page(model):
    answer = draw(model, 'a red <b>bird</b> ${alert(1)}')
    assert not set(''.join(answer['words'] + answer['notes'])) & set('<>${}')
    with pytest.raises(Error, match='&lt;b&gt;zebra&lt;/b&gt;'):
        app._handler(model)('<b>zebra</b>', 0, 1)


def test_a_model_of_other_words_gets_an_empty_page(model):
    other = TextToImage(Vocab(['zebra', 'with', 'stripes']), model.text, model.generator_config)
    assert app._known_examples(other.vocab) == []
    make_app(other)


def test_without_gradio(model):
    with mock.patch.dict('sys.modules', gradio=None):
        with pytest.raises(ModuleNotFoundError, match=r'attngan\[app\]'):
            make_app(model)


def test_the_command_says_what_is_missing():
    with mock.patch('sys.argv', ['attngan_app', '-m', 'nowhere']):
        with mock.patch('sys.stderr', io.StringIO()) as err, pytest.raises(SystemExit) as end:
            app.app_command()
    assert end.value.code == 2
    assert err.getvalue().startswith("attngan_app: no model 'nowhere': give a folder")


# programs

def test_fifty_at_once_and_none_is_lost(url, model):
    client = connect(url, max_workers=50)
    sentences = [EXAMPLES[i % len(EXAMPLES)] for i in range(50)]
    jobs = []
    for i, sentence in enumerate(sentences):
        jobs.append(client.submit(sentence, i, 1 + i % 2, api_name='/draw'))
    answers = [job.result(timeout=120) for job in jobs]
    for i, (answer, sentence) in enumerate(zip(answers, sentences)):
        assert same(answer, model(sentence, n=1 + i % 2, seed=i))
    assert not same(answers[0], model(sentences[0], seed=1))    # it could have been another


@pytest.mark.parametrize('request_, message', [
    (('', 0, 1), 'no words'),
    (('zebra', 0, 1), 'unknown words'),
    (('red '*LONGEST, 0, 1), 'shorten it'),
    (('a red bird', 0, 99), 'number of pictures'),
    (('a red bird', 0, 1.5), 'number of pictures'),
    (('a red bird', -1, 1), 'seed'),
    (('a red bird', None, 1), 'seed'),
    ((None, 0, 1), 'must be a string'),
])
def test_a_program_is_told_what_is_wrong(url, request_, message):
    with pytest.raises(AppError, match=message):
        connect(url).predict(*request_, api_name='/draw')


@LINUX
def test_only_this_machine_may_ask(url):
    assert reachable(url, '127.0.0.1') and not reachable(url, '127.0.0.2')


@LINUX
def test_a_space_draws_and_everybody_may_ask(model, outside, tmp_path):
    space = write_space(model, tmp_path/'space')
    written = {str(f.relative_to(space)) for f in space.rglob('*') if f.is_file()}
    assert written == {'README.md', 'app.py', 'model/config.json', 'model/model.safetensors',
                       'requirements.txt'}
    process, url = start([sys.executable, 'app.py'], outside, cwd=space)
    try:
        here = f'http://127.0.0.1:{urlparse(url).port}/'
        assert reachable(here, '127.0.0.2')
        answer = connect(here).predict('a red bird', 3, 1, api_name='/draw')
        assert same(answer, model('a red bird', seed=3))
    finally:
        stop(process)


# people

@pytest.fixture(scope='module')
def chromium():
    sync_api = pytest.importorskip('playwright.sync_api')
    names = ('chromium', 'chromium-browser', 'google-chrome', 'chrome')
    path = next(filter(None, map(shutil.which, names)), None)
    with sync_api.sync_playwright() as playwright:
        path = path or playwright.chromium.executable_path
        if not Path(path).exists():
            pytest.skip('no Chromium: `apt install chromium`, or `playwright install chromium`')
        browser = playwright.chromium.launch(executable_path=path, args=['--no-sandbox'])
        yield browser
        browser.close()


PICTURES = '.stage:last-child img:first-child'
SOURCES = 'all => all.map(x => x.src)'
CHANGED = (f'before => JSON.stringify([...document.querySelectorAll("{PICTURES}")]'
           '.map(x => x.src)) != before')
LIT = 'all => all.filter(x => getComputedStyle(x).opacity == 1).map(x => Number(x.dataset.word))'
N_LIT = ('n => [...document.querySelectorAll(".heat")]'
         '.filter(x => getComputedStyle(x).opacity == 1).length == n')
SIDES = 'all => all.map(x => x.getBoundingClientRect()).map(x => [x.left, x.right])'


class Visitor:
    "A page in the browser, and what it has asked for."
    def __init__(self, chromium, url, **kwargs):
        self.page = chromium.new_page(**kwargs)
        self.requests = []
        self.errors = []
        self.page.on('request', lambda r: self.requests.append(r.url))
        self.page.on('pageerror', lambda e: self.errors.append(str(e)))
        self.page.goto(url)
        self.page.wait_for_selector('.stage img')

    def pictures(self):
        return self.page.eval_on_selector_all(PICTURES, SOURCES)

    def do(self, action):
        "The pictures, when they have changed."
        before = json.dumps(self.pictures(), separators=(',', ':'))
        action()
        self.page.wait_for_function(CHANGED, arg=before)
        return self.pictures()

    def words(self):
        return self.page.locator('.words button').all_inner_texts()

    def lit(self):
        "The word of each map that is visible now."
        return self.page.eval_on_selector_all('.heat', LIT)

    def wait_lit(self, n):
        self.page.wait_for_function(N_LIT, arg=n)
        return self.lit()

    def type(self, sentence):
        self.page.fill('#sentence textarea', sentence)

    def press(self, button='Draw'):
        "Within 5 s, before a message goes away by itself: it must not lie on the button."
        self.page.click(f'button:text-is("{button}")', timeout=5000)

    def notes(self):
        return self.page.locator('.note').all_inner_texts()


@pytest.fixture
def visitor(chromium, url):
    visitor = Visitor(chromium, url)
    yield visitor
    visitor.page.close()


def drawn(pictures, drawings):
    if len(pictures) != len(drawings):
        return False
    return all(np.array_equal(picture(p), i) for p, i in zip(pictures, drawings.images))


def test_type_press_and_see_it_change(visitor, model):
    assert drawn(visitor.pictures(), model(EXAMPLES[0], n=4, seed=0))   # drawn beforehand
    caption = 'a blue bird with a red beak'
    visitor.type(caption)
    assert drawn(visitor.do(visitor.press), model(caption, n=4, seed=0))
    assert visitor.words() == ['blue', 'bird', 'red', 'beak']
    others = visitor.do(lambda: visitor.press('Draw others'))
    assert drawn(others, model(caption, n=4, seed=1))
    visitor.page.fill('input[aria-label*="seed" i]', '7')
    visitor.page.fill('input[type=number][max="8"]', '2')
    assert drawn(visitor.do(visitor.press), model(caption, n=2, seed=7))
    example = visitor.do(lambda: visitor.page.click(f'text="{EXAMPLES[2]}"'))
    assert drawn(example, model(EXAMPLES[2], n=2, seed=7))
    sizes = visitor.page.eval_on_selector_all('.stage small', 'all => all.map(x => x.innerText)')
    assert sizes == ['16 px', '32 px']*2
    assert not visitor.errors


def test_point_at_a_word_and_see_its_attention(visitor, model):
    word = visitor.words().index('crown')
    heats = visitor.page.locator('.stage .heat')
    assert visitor.lit() == []
    visitor.page.hover('.words button:text-is("crown")')
    assert visitor.wait_lit(4) == [word]*4                              # in all four pictures
    visitor.page.hover('h1')
    assert visitor.wait_lit(0) == []
    visitor.page.focus('.words button:text-is("belly")')                # with a keyboard
    assert visitor.wait_lit(4) == [visitor.words().index('belly')]*4
    attention = model(EXAMPLES[0], n=4, seed=0).attention[1][0][word]   # (16, 16)
    shown = picture(heats.nth(len(visitor.words()) + word).get_attribute('src'))
    assert np.asarray(shown.convert('L')).argmax() == attention.argmax()


def test_a_finger_points_too(chromium, url):
    visitor = Visitor(chromium, url, viewport=dict(width=390, height=844), has_touch=True,
                      is_mobile=True)
    visitor.page.tap('.words button:text-is("red")')
    assert visitor.wait_lit(4) == [visitor.words().index('red')]*4
    boxes = visitor.page.eval_on_selector_all('.stage, .words button, #sentence, button', SIDES)
    assert len(boxes) > 20
    assert all(0 <= left <= right <= 390 for left, right in boxes)      # nothing sticks out
    tops = visitor.page.eval_on_selector_all(
        'figure', 'all => all.map(x => x.getBoundingClientRect().top)')
    assert tops[0] == tops[1] < tops[2] == tops[3]                      # two in a row
    visitor.page.close()


def test_a_visitor_is_told_what_is_wrong_and_goes_on(visitor, model):
    visitor.type('<b>zebra</b><img src=x>')
    before = visitor.pictures()
    visitor.press()
    toast = visitor.page.locator('[data-testid="toast-body"]')
    toast.wait_for()
    assert "unknown words in '<b>zebra</b><img src=x>'" in toast.inner_text()
    assert not toast.locator('b, img').count()                          # text, not HTML
    assert visitor.pictures() == before
    visitor.type('a green zebra')
    assert drawn(visitor.do(visitor.press), model('a green', n=4, seed=0))
    assert visitor.notes() == ['unknown words left out: zebra']
    visitor.type('a white ${document.title} <i>bird</i>')               # … and no program
    assert drawn(visitor.do(visitor.press), model('a white bird', n=4, seed=0))
    assert visitor.notes() == ['unknown words left out: document, title, i']
    visitor.type('red '*LONGEST)
    assert len(visitor.page.input_value('#sentence textarea')) == LONGEST


def test_nobody_else_is_asked(visitor, url, outside):
    def draw_another():
        visitor.type('a white bird')
        visitor.press()

    visitor.do(draw_another)
    hosts = {urlparse(u).netloc for u in visitor.requests if not u.startswith('data:')}
    assert len(visitor.requests) > 10 and hosts == {urlparse(url).netloc}
    with pytest.raises(BlockingIOError):
        outside.accept()                                                # nor does the server
