"The races of nbs/tutorials/speed.ipynb for pytest-benchmark: `pytest benchmarks --benchmark-group-by=group --benchmark-columns=median,ops,rounds`. No test of anything."
import pytest, torch
from attngan.damsm import match_loss, matmul, words_loss
from attngan.damsm_training import new_damsm
from attngan.data import ImageCaptionDataLoaders
from attngan.generator import folded
from attngan.image_encoder import Seen
from attngan.plain import PlainStep, a_batch, gradients, look_plainly, photographs, plainly, products, scores_in_a_loop
from attngan.presets import birds
from attngan.training import attngan_learner, new_generator

torch.set_num_threads(1)
device = 'cuda' if torch.cuda.is_available() else 'cpu'

def race(benchmark, group, f, rounds=5):
    wait = torch.cuda.synchronize if device == 'cuda' else lambda: None
    benchmark.group = group; benchmark.pedantic(lambda: (f(), wait()), rounds=rounds, warmup_rounds=1)

@pytest.mark.parametrize('B', (16, 32, 48))
@pytest.mark.parametrize('version', ('loop', 'ours', 'one picture at a time', 'products with @', 'products'))
def test_words_loss(benchmark, version, B):
    torch.manual_seed(0); regions, words, lengths = batch = a_batch(B, device=device); M = int(lengths.sum())
    v, e, grad = regions.detach().flatten(2), torch.randn(M, 256, device=device), torch.randn(B, M, 289, device=device)
    race(benchmark, f'words loss, B = {B}', {
        'loop': lambda: gradients(match_loss(10*scores_in_a_loop(*batch)), regions, words),
        'ours': lambda: gradients(words_loss(*batch)[:2], regions, words),
        'one picture at a time': lambda: gradients(words_loss(*batch, chunk=1)[:2], regions, words),
        'products with @': lambda: products(v, e, grad), 'products': lambda: products(v, e, grad, matmul)}[version])

@pytest.mark.parametrize('B', (1, 16))
@pytest.mark.parametrize('version', ('plain', 'ours', 'folded', '16 bits'))
def test_drawing(benchmark, version, B):
    torch.manual_seed(0); net = new_generator(birds).eval()
    net = {'plain': plainly, 'ours': lambda n: n, 'folded': folded, '16 bits': lambda n: folded(n, bf16=True)}[version](net).to(device)
    wish = [x.to(net.f_ca.fc.weight) for x in (torch.randn(B, 100), torch.randn(B, 256), torch.randn(B, 256, 18))]
    with torch.inference_mode(): race(benchmark, f'drawing at 256 pixels, B = {B}', lambda: net(*wish, torch.full((B,), 12, device=device)))

@pytest.mark.parametrize('version', ('plain', 'folded', '16 bits', 'from the shelf'))
def test_damsm_step(benchmark, version, B=8):
    torch.manual_seed(0); damsm = new_damsm(birds, 5450, weights=None).to(device).train(); encoder = damsm.image_encoder
    images, ids, lengths = torch.rand(B, 3, 299, 299, device=device)*2 - 1, torch.randint(1, 5450, (B, 18), device=device), torch.full((B,), 12, device=device)
    with torch.no_grad(): seen = Seen(encoder.features(images))
    opt = torch.optim.Adam([p for p in damsm.parameters() if p.requires_grad], 2e-3)
    look = {'plain': lambda: look_plainly(encoder, images), 'from the shelf': lambda: encoder(seen)}.get(version, lambda: encoder(images))
    def step():
        with torch.autocast(device, torch.bfloat16, enabled=version == '16 bits'): loss = sum(damsm.loss(*look(), *damsm.text_encoder(ids, lengths), lengths).values())
        opt.zero_grad(); loss.backward(); opt.step()
    race(benchmark, f'a step of the DAMSM, B = {B}', step)

@pytest.mark.parametrize('version', ('plain', 'ours', '16 bits'))
def test_gan_step(benchmark, version, B=4):
    torch.manual_seed(0); dls = ImageCaptionDataLoaders.from_items(photographs(B), photographs(B), birds, bs=B)
    learn = attngan_learner(dls, new_damsm(birds, len(dls.vocab), weights=None), bf16=version == '16 bits')
    def ours():
        with learn.no_bar(), learn.no_logging(): learn.fit(1)
    if version == 'plain':
        images, ids, lengths, classes = dls.one_batch(); plain = PlainStep(learn.model.to(device))
        with torch.no_grad(): words, sentence = learn.model.damsm.eval().text_encoder(ids, lengths)
        noise = torch.randn(B, 100, device=device)
    race(benchmark, f'a step of the GAN, 256 pixels, B = {B}', (lambda: plain(images, words, sentence, lengths, classes, noise, noise)) if version == 'plain' else ours, rounds=3)
