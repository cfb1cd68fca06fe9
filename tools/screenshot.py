"""Write images/app.png: `python tools/screenshot.py`.

The app in a headless Chromium: as a computer by day, and as a phone by night that points
at a word.
"""
import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from attngan.app import make_app, serve
from attngan.inference import TextToImage

def shot(page, url, word=None):
    "A picture of the page, with the pointer on a word if there is one."
    page.goto(url)
    page.wait_for_selector('.stage img')
    if word:
        page.hover(f'.words button:text-is("{word}")')
    page.wait_for_timeout(1000)   # until nothing moves
    return Image.open(io.BytesIO(page.screenshot())).convert('RGB')


def main():
    url = serve(make_app(TextToImage.from_pretrained('paperbirds')))
    with sync_playwright() as p:
        browser = p.chromium.launch(
            executable_path=shutil.which('chromium'), args=['--no-sandbox'])
        desk = browser.new_page(viewport=dict(width=1100, height=844))
        phone = browser.new_page(viewport=dict(width=390, height=844), color_scheme='dark')
        day = shot(desk, url)
        night = shot(phone, url, 'crown')
    both = Image.new('RGB', (day.width + night.width, day.height))
    both.paste(day, (0, 0))
    both.paste(night, (day.width, 0))
    path = Path(__file__).parent.parent/'images/app.png'
    both.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=1).save(path, optimize=True)


if __name__ == '__main__':
    main()
