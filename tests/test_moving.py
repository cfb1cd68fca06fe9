"The figures of the chapters that a reader can move, as the committed outputs show them."
import base64
import json
import math
import re
import shutil
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from attngan.attention import region_attention
from attngan.damsm import match_loss
from attngan.discriminator import new_backbone
from attngan.gan_losses import kl_loss
from attngan.paperbirds import PARTS, thread

TOP = Path(__file__).resolve().parent.parent
NAMES = 'crown', 'wing', 'beak'
browsers = ('chromium', 'chromium-browser', 'google-chrome')
path = next(filter(None, map(shutil.which, browsers)), None)


def output_of(notebook, cell_id):
    "The HTML that a cell has put out."
    cells = json.loads((TOP/'nbs'/notebook).read_text(encoding='utf-8'))['cells']
    cell, = [c for c in cells if c['id'] == cell_id]
    html, = [o['data']['text/html'] for o in cell['outputs'] if 'text/html' in o.get('data', {})]
    return ''.join(html)


@pytest.fixture(scope='module')
def chromium():
    sync_api = pytest.importorskip('playwright.sync_api')
    if path is None:
        pytest.skip('needs Chromium')
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=['--no-sandbox'])
        yield browser
        browser.close()


def ideal_shares(gamma1):
    "By Python: the share of its attention that each word gives to the regions of its part."
    bird = thread()
    mask = torch.from_numpy(bird.mask).long()[None]                          # (1, 64, 64)
    regions = F.one_hot(mask, len(PARTS)).movedim(3, 1).float()              # (1, D, 64, 64)
    regions = F.avg_pool2d(regions, 4)                                       # (1, D, 16, 16)
    chosen = torch.tensor([[PARTS.index(name) for name in NAMES]])           # (1, T)
    words = 5*F.one_hot(chosen, len(PARTS)).mT.float()                       # (1, D, T)
    maps = region_attention(words, regions, gamma1=gamma1)[0]                # (T, 16, 16)
    return (maps*(regions[0, chosen[0]] > 0)).sum((1, 2)).tolist()


def test_softmaxes(chromium):
    page = chromium.new_page(viewport=dict(width=390, height=900))
    errors = []
    page.on('pageerror', lambda e: errors.append(str(e)))
    page.set_content(output_of('12_attention.ipynb', '12move02'))
    for gamma1 in (4, 15, 0):
        page.locator('input[type=range]').fill(str(gamma1))
        shares = [float(x) for x in page.locator('output').all_inner_texts()]
        assert shares == pytest.approx(ideal_shares(float(gamma1)), abs=.006)
    told = page.locator('p').inner_text()
    page.locator('canvas').first.focus()
    page.keyboard.press('ArrowRight')
    assert page.locator('p').inner_text() != told
    assert page.evaluate('document.documentElement.scrollWidth') <= 390
    assert all(c.get_attribute('aria-label') for c in page.locator('canvas').all())
    assert not errors
    page.close()


def window(layers, row, column):
    "By Python: rows and columns of a picture that reach this feature, from its gradient."
    x = torch.rand(1, 3, 64, 64, requires_grad=True)                         # (1, 3, S, S)
    layers(x)[0, :, row, column].sum().backward()
    seen = x.grad[0].abs().sum(0) > 0                                        # (S, S)
    rows = seen.any(1).nonzero()
    columns = seen.any(0).nonzero()
    return [rows.min() + 1, rows.max() + 1, columns.min() + 1, columns.max() + 1]


def test_receptive_field(chromium):
    page = chromium.new_page(viewport=dict(width=390, height=900))
    errors = []
    page.on('pageerror', lambda e: errors.append(str(e)))
    page.set_content(output_of('21_discriminator.ipynb', 'rf21mov2'))
    page.wait_for_function("() => document.querySelector('p').textContent")
    torch.manual_seed(0)
    layers = new_backbone(64, 8)[0].eval()
    for n, row, column in ((1, 0, 31), (2, 5, 5), (3, 7, 1), (4, 2, 0)):
        canvas = page.locator('canvas').nth(n)
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        cell = box['width']/(64 >> n)
        page.mouse.move(box['x'] + (column + .5)*cell, box['y'] + (row + .5)*cell)
        told = page.locator('p').inner_text()
        numbers = [int(x) for x in re.findall(r'\d+', told)]
        assert numbers[:3] == [n, row + 1, column + 1]
        assert numbers[3:] == window(layers[:n], row, column)
    page.locator('canvas').first.focus()
    page.keyboard.press('ArrowLeft')                       # a pixel in the middle
    told = page.locator('p').inner_text()
    assert told.startswith('The pixel in row 33, column 32 reaches')
    assert told.split('reaches ')[1].startswith('4 of 1024')   # stride 2, kernel 4: two each way
    assert page.evaluate('document.documentElement.scrollWidth') <= 390
    assert not errors
    page.close()


def test_match(chromium):
    page = chromium.new_page(viewport=dict(width=390, height=900))
    errors = []
    page.on('pageerror', lambda e: errors.append(str(e)))
    page.set_content(output_of('13_damsm.ipynb', '13move02'))
    scores = torch.tensor([[.9, .1, .0], [.2, .8, .1], [.3, .7, .5]])        # (B, B)

    def compare(gamma3):
        page.locator('input[type=range]').fill(str(gamma3))
        _, i2t, t2i = page.locator('output').all_inner_texts()
        shown = [float(text.split(': ')[1]) for text in (i2t, t2i)]
        assert shown == pytest.approx([x.item() for x in match_loss(gamma3*scores)], abs=6e-4)

    compare(10)
    compare(0)
    page.locator('input[type=number]').nth(7).fill('0.1')    # row 2, column 1
    scores[2, 1] = .1
    compare(10)
    frames = page.locator('span').evaluate_all('all => all.map(x => x.style.boxShadow)')
    assert not any('inset' in frame for frame in frames)   # now every row is right
    assert page.evaluate('document.documentElement.scrollWidth') <= 390
    assert not errors
    page.close()


def test_cloud(chromium):
    page = chromium.new_page(viewport=dict(width=390, height=900))
    errors = []
    page.on('pageerror', lambda e: errors.append(str(e)))
    html = output_of('20_generator.ipynb', '20move01')
    page.set_content(html)
    data, _ = json.JSONDecoder().raw_decode(html, html.rindex('({"captions"') + 1)
    mu, logvar = torch.tensor(data['mu']), torch.tensor(data['logvar'])      # (3, K) each
    for scale in (1, .5, 3):
        page.locator('input[type=range]').fill(str(scale))
        shown = [float(x) for x in page.locator('output').all_inner_texts()]
        expected = [kl_loss(m, v + 2*math.log(scale)).item() for m, v in zip(mu, logvar)]
        assert shown == pytest.approx(expected, abs=2e-3)
    page.locator('input[type=range]').fill('0')
    assert page.locator('output').all_inner_texts() == ['∞']*3
    assert page.evaluate('document.documentElement.scrollWidth') <= 390
    assert not errors
    page.close()


def test_pull(chromium):
    page = chromium.new_page(viewport=dict(width=390, height=1000))
    errors = []
    page.on('pageerror', lambda e: errors.append(str(e)))
    html = output_of('22_gan_losses.ipynb', 'pull0001')
    page.set_content(html)
    data, _ = json.JSONDecoder().raw_decode(html, html.rindex('({"size"') + 1)
    picture = torch.tensor(data['picture'], dtype=torch.float).view(64, 64, 3)
    pulls = []                                                               # 4 × (S, S, 3)
    for term in data['terms']:
        values = torch.frombuffer(bytearray(base64.b64decode(term['gradient'])), dtype=torch.int8)
        pulls.append(values.float().view(64, 64, 3)/term['norm'])
    pixels = "canvas => [...canvas.getContext('2d').getImageData(0, 0, 64, 64).data]"
    for weights, step in (([1, 0, 0, 0], .5), ([.5, 2, 0, 1.5], .2)):
        for slider, value in zip(page.locator('input[type=range]').all(), [*weights, step]):
            slider.fill(str(value))
        total = sum(w*pull for w, pull in zip(weights, pulls))               # (S, S, 3)
        expected = picture - 255*step*total/total.norm(dim=2).max()          # (S, S, 3)
        shown = torch.tensor(page.locator('canvas').first.evaluate(pixels)).view(64, 64, 4)
        assert (shown[..., :3] - expected.clamp(0, 255)).abs().max() <= .51
        page.locator('canvas').first.focus()
        page.keyboard.press('ArrowUp')
        told = page.locator('p').inner_text()
        row, column = [int(x) - 1 for x in re.findall(r'row (\d+), column (\d+)', told)[0]]
        lengths = torch.stack([w*p[row, column].norm() for w, p in zip(weights, pulls)])
        shares = [int(x) for x in re.findall(r'(\d+)\s%', told)]
        assert shares == pytest.approx((100*lengths/lengths.sum()).tolist(), abs=.51)
        strongest = total.norm(dim=2).argmax().item()
        assert f'row {strongest//64 + 1}, column {strongest % 64 + 1}.' in told
    for slider in page.locator('input[type=range]').all():
        slider.fill('0')
    assert 'nothing pulls' in page.locator('p').inner_text()
    assert page.evaluate('document.documentElement.scrollWidth') <= 390
    assert not errors
    page.close()


@pytest.mark.parametrize('cell', [('20_generator.ipynb', '20move01'),
                                  ('13_damsm.ipynb', '13move02'),
                                  ('12_attention.ipynb', '12move02'),
                                  ('21_discriminator.ipynb', 'rf21mov2'),
                                  ('22_gan_losses.ipynb', 'pull0001')])
def test_without_scripts_a_picture_remains(chromium, cell):
    page = chromium.new_page(java_script_enabled=False)
    page.set_content(output_of(*cell))
    assert page.locator('img').bounding_box()['width'] > 300
    assert page.locator('canvas').count() == 0
    page.close()
