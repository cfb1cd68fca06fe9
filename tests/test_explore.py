"""The explorable page in a real Chromium that can reach no other host: its birds are Python's,
its maps are Python's, and each control moves the tensor that it says."""
import importlib.util
import random
import shutil
import threading
import warnings
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from attngan.inference import TextToImage, load_damsm, model_folder
from attngan.metrics import _without_words
from attngan.text import CaptionError

for name in ('onnx', 'onnxscript', 'onnxruntime'):
    pytest.importorskip(name, reason="the page is made of ONNX: pip install 'attngan[onnx]'")

TOP = Path(__file__).resolve().parent.parent
CAPTION = 'this small bird has a red crown, a yellow belly and a long black beak'
MOST = 15e6                              # bytes of a visit
SETTLED = '() => !explorer.busy'


def load_tool():
    "tools/explore.py."
    spec = importlib.util.spec_from_file_location('tool_explore', TOP/'tools/explore.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


explore = load_tool()
browsers = ('chromium', 'chromium-browser', 'google-chrome')
chromium_path = next(filter(None, map(shutil.which, browsers)), None)
needs_browser = pytest.mark.skipif(
    not (chromium_path and shutil.which('npm')), reason='needs Chromium, and npm for its runtime')


class Quiet(SimpleHTTPRequestHandler):
    "A server of files that says nothing."

    def log_message(self, *args):
        pass


@pytest.fixture(scope='module')
def model():
    return TextToImage.from_pretrained('paperbirds')


@contextmanager
def served(site):
    "The address of a page, while it is served."
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f'http://127.0.0.1:{server.server_port}/explore/index.html'
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope='module')
def url(tmp_path_factory):
    "The page, made and served."
    site = tmp_path_factory.mktemp('site')
    explore.build(site/'explore')
    with served(site) as address:
        yield address


@pytest.fixture(scope='module')
def chromium():
    sync_api = pytest.importorskip('playwright.sync_api')
    rules = '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path, args=['--no-sandbox', rules])
        yield browser
        browser.close()


class Reader:
    "Someone who has opened the page."

    def __init__(self, chromium, url, width=1280, **kwargs):
        self.page = chromium.new_page(viewport=dict(width=width, height=1400), **kwargs)
        self.requests = []
        self.errors = []
        self.fetched = 0
        self.page.on('request', lambda r: self.requests.append(r.url))
        self.page.on('response', self.count)
        self.page.on('pageerror', lambda e: self.errors.append(str(e)))
        self.page.goto(url)
        self.page.wait_for_selector('body[data-ready=complete]', timeout=60_000)

    def count(self, response):
        self.fetched += int(response.headers.get('content-length', 0))

    def settle(self):
        self.page.wait_for_function(SETTLED)

    def draw(self, caption, seed=0):
        "Type, press, and choose a seed."
        self.page.fill('#seed', str(seed))
        self.page.dispatch_event('#seed', 'change')
        self.settle()
        self.page.fill('#sentence', caption)
        self.page.press('#sentence', 'Enter')
        self.settle()

    def inputs(self):
        "What goes into the generator."
        return self.page.evaluate('''() => {
            const {noise, c, mu, words, keep} = explorer.current.given, list = x => [...x];
            return {noise: list(noise), c: list(c), mu: list(mu), words: list(words.data), keep};
        }''')

    def tensors(self):
        "What comes out."
        found = self.page.evaluate('''() => {
            const {images, attention, hidden} = explorer.current;
            const all = xs => xs.map(x => ({data: [...x.data].join(' '), dims: [...x.dims]}));
            return {images: all(images), attention: all(attention), hidden: all(hidden)};
        }''')
        for kind, tensors in found.items():
            found[kind] = [np.array(x['data'].split(), 'float32').reshape(x['dims'])
                           for x in tensors]
        return found

    def pixels(self):
        "The pictures, smallest first: (S, S, 3)."
        found = self.page.evaluate("() => explorer.current.pixels.map(x => [...x].join(' '))")
        return [np.array(x.split(), 'int64').reshape(-1, 4)[:, :3] for x in found]

    def message(self):
        return self.page.text_content('#message')


@pytest.fixture(scope='module')
def visit(chromium, url):
    return Reader(chromium, url)


@pytest.fixture
def reader(visit):
    "The visitor, with everything as it was at the beginning."
    yield visit
    visit.page.reload()
    visit.page.wait_for_selector('body[data-ready=complete]', timeout=60_000)


def far(pixels, stages):
    "The largest difference between the page's pixels and Python's, in levels of 255."
    apart = []
    for ours, theirs in zip(pixels, stages, strict=True):
        apart.append(np.abs(ours - np.asarray(theirs).reshape(-1, 3)).max())
    return max(apart)


def moved(before, after, kind):
    "Of each tensor of this kind: has it changed?"
    return [not np.allclose(a, b, atol=1e-6) for a, b in zip(before[kind], after[kind])]


# the page is Python

@needs_browser
@pytest.mark.parametrize('caption, seed', [
    (CAPTION, 0), ('a blue bird', 7), ('red', 4294967294),
    ('a white bird with black wings, swimming on the water, with a purple zebra', 123),
])
def test_the_same_bird_and_the_same_maps(reader, model, caption, seed):
    reader.draw(caption, seed)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        out = model(caption, seed=seed)
    assert far(reader.pixels(), out.stages[0]) <= 2
    for ours, theirs in zip(reader.tensors()['attention'], out.attention[0], strict=True):
        assert np.abs(ours[0] - theirs.numpy()).max() < 1e-3
    assert not reader.errors


@needs_browser
def test_real_birds_are_pythons_too(chromium, url):
    reader = Reader(chromium, f'{url}?model=birds')
    assert not reader.errors
    assert reader.fetched <= MOST
    caption = 'this bird is yellow with black wings and has a small beak'
    reader.draw(caption, seed=3)
    model = TextToImage.from_pretrained('birds')
    out = model(caption, seed=3)
    assert far(reader.pixels(), out.stages[0]) <= 2
    for ours, theirs in zip(reader.tensors()['attention'], out.attention[0], strict=True):
        assert np.abs(ours[0] - theirs.numpy()).max() < 2e-3   # folded, then rounded to 16 bits
    assert 'research' in reader.page.inner_text('#note')
    assert reader.page.is_visible('#absent')             # no discriminators
    offered = reader.page.locator('#swap option').all_inner_texts()
    assert 'blue' in offered and len(offered) < explore.SWAPS


@needs_browser
def test_the_damsm_sees_real_birds_as_in_python(chromium, url):
    reader = Reader(chromium, f'{url}?model=birds')
    damsm, _ = load_damsm(model_folder('birds')/'damsm.safetensors')
    found = reader.page.evaluate("""() => {
        const {images, given, match} = explorer.current, list = x => [...x];
        const last = images[images.length - 1];
        return {image: list(last.data), size: last.dims[3], words: list(given.words.data),
                T: given.words.dims[2], sentence: list(given.sentence),
                fit: list(match.fit.data), whole: match.whole.data[0]};
    }""")
    image = torch.tensor(found['image']).view(1, 3, found['size'], found['size'])
    words = torch.tensor(found['words']).view(1, -1, found['T'])              # (1, D, T)
    sentence = torch.tensor(found['sentence'])[None]                          # (1, D)
    with torch.no_grad():
        _, fit, whole = explore.Match(damsm)(image, words, sentence)
    assert found['fit'] == pytest.approx(fit[0].tolist(), abs=1e-2)
    assert found['whole'] == pytest.approx(whole.item(), abs=1e-2)


@needs_browser
@pytest.mark.parametrize('refinement', [1, 2])
def test_without_words_it_is_the_ablation_of_chapter_metrics(reader, model, refinement):
    switches = reader.page.locator('.stage input[type=checkbox]')    # the first one: mirroring
    before = reader.tensors()
    switches.nth(refinement).uncheck()
    reader.settle()
    with _without_words(model.generator, f'no words {refinement}'):
        out = model(CAPTION, seed=0)
    assert far(reader.pixels(), out.stages[0]) <= 2
    later = [i >= refinement for i in range(3)]
    after = reader.tensors()
    assert moved(before, after, 'images') == later
    assert moved(before, after, 'hidden') == later
    assert 'a pixel moved by 0.0 at 16 px' in reader.page.inner_text('#change-text')


def awkward(vocab):
    "Captions with all that people type."
    rng = random.Random(0)
    pool = [*vocab.words[1:], 'zebra', 'Red', 'naïve', 'a', 'the', "it's", '"x"', '🐦', '👍🏽',
            'e\u0301', 'İ', 'ΣΑΣ', '日本語', 'नमस्ते', '\u200d', '-', '…', '!?', '12', '\t', '\n',
            '\x00', '\xa0', '\u2028', 'ß', 'ﬁ', '👨\u200d👩']
    texts = ['', '   ', '!?', '🐦', 'zebra', '"zebra"', "it's zebra", 'a "b" it\'s', '\\', 'a the',
             'red '*25, 'x'*70, '🐦'*70, 'zebra '*12, 'red bird '*110_000, 'q'*10**6, "'"*61,
             '\n\t\x07zebra', '\x7f\xad zebra', *(f'z{i} ' for i in range(3))]
    for _ in range(400):
        words = rng.choices(pool, k=rng.randint(1, 12))
        texts.append(rng.choice([' ', '', ', ']).join(words))
    return texts


@needs_browser
def test_words_and_messages_are_pythons(visit, model):
    texts = awkward(model.vocab)
    expected = []
    for text in texts:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            try:
                ids, length = model.vocab.encode(text, model.text.max_words)
                expected.append([ids[:length].tolist(), [str(w.message) for w in caught]])
            except CaptionError as error:
                expected.append(str(error))
    found = visit.page.evaluate('''texts => texts.map(text => {
        try { const {ids, notes} = explorer.encode(text); return [ids, notes]; }
        catch (error) { return error.message; }
    })''', texts)
    wrong = [(ascii(t[:40]), a, b) for t, a, b in zip(texts, expected, found) if a != b]
    assert wrong == []


@needs_browser
def test_a_seed_means_pytorchs_noise(visit):
    for seed, n in ((0, 96), (3, 37), (4294967295, 16)):
        found = visit.page.evaluate('([seed, n]) => [...explorer.normal(seed, n)]', [seed, n])
        torch_noise = torch.randn(n, generator=torch.Generator().manual_seed(seed))
        assert torch_noise.numpy() == pytest.approx(found, abs=1e-5)


# what a reader does

@needs_browser
def test_type_press_and_a_bird_within_two_seconds(reader):
    reader.page.fill('#sentence', 'a blue bird with a red beak')
    milliseconds = reader.page.evaluate('''() => new Promise(done => {
        const start = performance.now(), before = explorer.current;
        document.querySelector('#ask button').click();
        const look = () => explorer.current !== before ? done(performance.now() - start)
                                                       : setTimeout(look, 5);
        look();
    })''')
    assert milliseconds < 2000
    assert reader.page.locator('#rows button').all_inner_texts() == ['blue', 'bird', 'red', 'beak']


@needs_browser
@pytest.mark.parametrize('how', ['pointer', 'keyboard'])
def test_a_word_shows_its_map_and_a_pixel_its_words(reader, model, how):
    attention = model(CAPTION, seed=0).attention[0]
    words = reader.page.locator('#rows button').all_inner_texts()
    for t in (words.index('crown'), words.index('black')):
        button = reader.page.locator('#rows button').nth(t)
        if how == 'pointer':
            button.hover()
        else:
            button.focus()
        for r, maps in enumerate(attention):
            figure = reader.page.locator('.stage').nth(r + 1).locator('.attention')
            shown = figure.locator('output').inner_text()
            peak = float(maps[t].max())
            assert float(shown.split('peak ')[1]) == pytest.approx(peak, abs=1e-3)
            assert f'“{words[t]}”' in figure.locator('canvas').get_attribute('aria-label')
    first = reader.page.locator('.stage').nth(1).locator('.attention canvas')
    first.scroll_into_view_if_needed()
    box = first.bounding_box()
    row = 6
    column = 9
    if how == 'pointer':
        side = box['width']/16
        reader.page.mouse.move(box['x'] + (column + .5)*side, box['y'] + (row + .5)*side)
    else:
        first.focus()
        for key in ('ArrowUp', 'ArrowUp', 'ArrowRight'):     # from the middle, row 8, column 8
            reader.page.keyboard.press(key)
    shares = reader.page.locator('#rows li.read .share').all_inner_texts()
    assert [float(x) for x in shares] == pytest.approx(
        attention[0][:, row, column].tolist(), abs=.006)
    output = reader.page.locator('.stage').nth(1).locator('.attention output').inner_text()
    assert output.startswith(f'{row + 1}, {column + 1}: ')
    assert reader.page.locator('.cursor:visible').count() >= 6       # marked everywhere


@needs_browser
def test_each_control_moves_its_tensor_and_no_other(reader):
    page = reader.page

    def change(action):
        before = reader.inputs()
        action()
        reader.settle()
        after = reader.inputs()
        return {name for name in before if before[name] != after[name]}

    def slide(name, value):
        page.evaluate('''([name, value]) => {
            const slider = document.getElementById(name);
            slider.value = value;
            slider.dispatchEvent(new Event('input'));
        }''', [name, value])

    def drag():
        box = page.locator('#cloud').bounding_box()
        page.mouse.move(box['x'] + 30, box['y'] + 30)
        page.mouse.down()
        page.mouse.move(box['x'] + 60, box['y'] + 90)
        page.mouse.up()

    assert change(lambda: slide('noise', .5)) == {'noise'}
    assert change(drag) == {'c'}
    assert change(lambda: page.focus('#cloud') or page.keyboard.press('ArrowLeft')) == {'c'}
    assert change(lambda: page.click('#back')) == {'c'}
    assert change(lambda: page.locator('.stage input').nth(1).uncheck()) == {'keep'}
    assert change(lambda: page.click('#other')) == {'noise', 'c'}
    assert change(lambda: page.select_option('#swap', 'blue')) == {'mu', 'c', 'words'}
    assert change(lambda: page.click('#drop')) == {'mu', 'c', 'words'}
    assert change(lambda: slide('walk', .5)) == {'mu', 'c', 'words'}
    assert not reader.errors


@needs_browser
def test_a_walk_ends_at_the_other_sentence(reader, model):
    reader.page.evaluate('''() => {
        const slider = document.getElementById('walk');
        slider.value = 1;
        slider.dispatchEvent(new Event('input'));
    }''')
    reader.settle()
    other = reader.page.input_value('#second')
    assert far(reader.pixels(), model(other, seed=0).stages[0]) <= 2


@needs_browser
def test_what_does_a_word_change_and_where(reader):
    reader.page.locator('#rows button:text-is("red")').click()
    assert reader.page.inner_text('#swapped') == '“red”'
    reader.page.select_option('#swap', 'blue')
    reader.settle()
    assert reader.page.input_value('#sentence').split()[5] == 'blue'
    rows = reader.page.locator('#paths tr').all_inner_texts()
    numbers = [float(row.split()[-1]) for row in rows]
    assert len(rows) >= 4 and all(x > 0 for x in numbers)
    reader.page.locator('.stage input').first.uncheck()              # not mirrored
    reader.settle()
    assert 'mirrored' not in reader.page.inner_text('.stage .attention output')


@needs_browser
@pytest.mark.parametrize('caption', ['', '   ', '!?', '🐦', 'zebra', 'q'*10**6, '🐦 zebra '*20])
def test_wrong_input_is_answered_as_python_answers(visit, model, caption):
    with pytest.raises(CaptionError) as raised:
        model(caption)
    pixels = visit.pixels()
    visit.page.fill('#sentence', caption)
    visit.page.press('#sentence', 'Enter')
    visit.settle()
    assert visit.message() == str(raised.value)
    assert all(np.array_equal(a, b) for a, b in zip(pixels, visit.pixels()))   # still there


@needs_browser
def test_unknown_and_surplus_words_are_marked(reader):
    reader.draw('a green zebra ' + 'red '*25)
    fates = reader.page.locator('#rows li').evaluate_all('all => all.map(x => x.className)')
    kinds = [name.split()[0] for name in fates]
    assert kinds[:3] == ['stop', 'read', 'unknown'] and kinds.count('cut') == 6
    assert reader.message() == ('unknown words left out: zebra · '
                                'caption of 26 words: only the first 20 are used')


# what a visit costs, and how it looks

@needs_browser
@pytest.mark.parametrize('width', [1280, 390])
@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_nothing_moves_and_nothing_sticks_out(chromium, url, width, scheme):
    reader = Reader(chromium, url, width, color_scheme=scheme)
    shift = reader.page.evaluate('''() => new Promise(done => {
        new PerformanceObserver(list => done(list.getEntries().reduce((s, x) => s + x.value, 0)))
            .observe({type: 'layout-shift', buffered: true});
        setTimeout(() => done(0), 300);
    })''')
    assert shift < .01
    wide = reader.page.evaluate('document.documentElement.scrollWidth')
    assert wide <= width
    ground = reader.page.evaluate('getComputedStyle(document.documentElement).backgroundColor')
    assert (ground == 'rgb(246, 247, 249)') == (scheme == 'light')
    for canvas in reader.page.locator('canvas[role=img]').all():
        assert canvas.get_attribute('aria-label')             # each figure in words
    unnamed = reader.page.evaluate('''() => [...document.querySelectorAll('input, select')]
        .filter(x => !x.labels.length && !x.getAttribute('aria-label')).map(x => x.id)''')
    assert unnamed == []
    hosts = {r.split('/')[2] for r in reader.requests if not r.startswith('data:')}
    assert hosts == {url.split('/')[2]}                       # no other host is asked
    assert 1e6 < reader.fetched < MOST
    assert not reader.errors
    reader.page.close()


# making it

@needs_browser
def test_without_npm_the_page_is_made_and_says_so(chromium, tmp_path):
    with mock.patch('shutil.which', return_value=None):
        with pytest.warns(UserWarning, match='npm is missing'):
            explore.build(tmp_path/'explore')
    assert (tmp_path/'explore/index.html').is_file()
    assert not (tmp_path/'explore/models').exists()
    with served(tmp_path) as address:
        page = chromium.new_page()
        page.goto(address)
        page.wait_for_selector('#message.error')
        assert 'made without npm' in page.inner_text('#message')
        page.close()


def test_another_runtime_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv('ATTNGAN_CACHE', str(tmp_path))
    (tmp_path/'onnxruntime-web-1.30.0.tgz').write_bytes(b'something else')
    with pytest.raises(ValueError, match='delete it'):
        explore.runtime()


def test_discriminators_beside_a_model_are_shown(tmp_path, model):
    import gzip

    import onnxruntime
    torch.manual_seed(0)
    discriminators = explore.recipe_of(model).new_discriminators().eval()
    save_file(discriminators.state_dict(), tmp_path/'discriminators.safetensors')
    assert explore.export_discriminators(model, tmp_path, tmp_path/'d.bin')
    graph = gzip.decompress((tmp_path/'d.bin').read_bytes())
    session = onnxruntime.InferenceSession(graph)
    sentence = torch.randn(1, model.text.dim)                                  # (1, D)
    images = [torch.rand(1, 3, d.size, d.size)*2 - 1 for d in discriminators]  # (1, 3, S, S) each
    inputs = dict(sentence=sentence.numpy())
    inputs |= {f'image_{i}': x.numpy() for i, x in enumerate(images)}
    match, real = session.run(['match', 'real'], inputs)
    with torch.no_grad():
        features = [d(x) for d, x in zip(discriminators, images)]
        by_torch = [d.conditional(f, sentence).item() for d, f in zip(discriminators, features)]
        real_by_torch = [d.unconditional(f).item() for d, f in zip(discriminators, features)]
    assert match[0].tolist() == pytest.approx(by_torch, abs=1e-2)
    assert real[0].tolist() == pytest.approx(real_by_torch, abs=1e-2)


def test_what_is_written_is_the_same_each_time(tmp_path):
    explore.pack(b'graph', tmp_path/'a')
    explore.pack(b'graph', tmp_path/'b')
    assert (tmp_path/'a').read_bytes() == (tmp_path/'b').read_bytes()
