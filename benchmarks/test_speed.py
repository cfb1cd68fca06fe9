"""The comparisons of nbs/a9_optimize.ipynb for pytest-benchmark. They test nothing.

`pytest benchmarks --benchmark-group-by=group --benchmark-columns=median,ops,rounds`
"""
import pytest
import torch
from torch import nn

from attngan.config import birds
from attngan.damsm import match_loss, words_loss
from attngan.image_encoder import BackboneFeatures
from attngan.optimize import fast_generator, fold_batchnorm

torch.set_num_threads(1)
device = 'cuda' if torch.cuda.is_available() else 'cpu'


def race(benchmark, group, run, rounds=5):
    "Time `run()` in a group of the table."
    def run_and_wait():
        run()
        if device == 'cuda':
            torch.cuda.synchronize()
    benchmark.group = group
    benchmark.pedantic(run_and_wait, rounds=rounds, warmup_rounds=1)


def scores_in_a_loop(regions, words, lengths, gamma1=4., gamma2=5.):
    "Released code: v (B, D, h, w), e (B, D, T), (B,) → (B, B), a column for each caption."
    v = regions.flatten(2)                                            # (B, D, N)
    columns = []
    B, D, N = v.shape
    for e, n in zip(words, lengths.tolist()):
        e = e[:, :n].contiguous().repeat(B, 1, 1)                     # (B, D, n)
        s = torch.bmm(v.transpose(1, 2).contiguous(), e)              # (B, N, n)
        s = s.view(B*N, n).softmax(1).view(B, N, n)                   # (B, N, n)
        s = s.transpose(1, 2).contiguous().view(B*n, N)               # (B·n, N)
        alpha = (gamma1*s).softmax(1).view(B, n, N)                   # (B, n, N)
        c = torch.bmm(v, alpha.transpose(1, 2).contiguous())          # (B, D, n)
        e = e.transpose(1, 2).contiguous().view(B*n, D)               # (B·n, D)
        c = c.transpose(1, 2).contiguous().view(B*n, D)               # (B·n, D)
        length = e.norm(dim=1)*c.norm(dim=1)                          # (B·n,)
        r = ((e*c).sum(1)/length.clamp(min=1e-8)).view(B, n)          # (B, n)
        columns.append((gamma2*r).exp().sum(1).log())                 # (B,)
    return torch.stack(columns, 1)                                    # (B, B)


def loop_loss(regions, words, lengths):
    "The words loss of the released code."
    return match_loss(10*scores_in_a_loop(regions, words, lengths))


def library_loss(regions, words, lengths):
    "Ours."
    return words_loss(regions, words, lengths)[:2]


def chunked_loss(regions, words, lengths):
    "Ours, one picture at a time."
    return words_loss(regions, words, lengths, chunk=1)[:2]


@pytest.mark.parametrize('std', (.1, 2.))
@pytest.mark.parametrize('B', (16, 48))
@pytest.mark.parametrize('loss', (loop_loss, library_loss, chunked_loss))
def test_words_loss(benchmark, loss, B, std):
    torch.manual_seed(0)
    torch.set_flush_denormal(True)
    regions = torch.randn(B, 256, 17, 17, device=device).mul(std).requires_grad_()
    words = torch.randn(B, 256, 18, device=device).mul(std).requires_grad_()
    lengths = torch.randint(5, 19, (B,), device=device)               # (B,)

    def run():
        torch.autograd.grad(sum(loss(regions, words, lengths)), (regions, words))
    race(benchmark, f'words loss, B = {B}, standard deviation {std}', run)


@pytest.mark.parametrize('flush', (False, True))
@pytest.mark.parametrize('std', (.1, .5, 1., 2.))
def test_denormals(benchmark, std, flush):
    torch.manual_seed(0)
    regions = torch.randn(48, 256, 14, 14).mul(std).requires_grad_()  # (B, D, h, w)
    words = torch.randn(48, 256, 18).mul(std).requires_grad_()        # (B, D, T)
    lengths = torch.randint(5, 19, (48,))                             # (B,)
    torch.set_flush_denormal(flush)

    def run():
        torch.autograd.grad(sum(library_loss(regions, words, lengths)), (regions, words))
    race(benchmark, f'denormals, standard deviation {std}', run, rounds=3)
    torch.set_flush_denormal(True)


def identity(net):
    "The network as it is."
    return net


def fast_in_bf16(net):
    "For drawing, in bfloat16."
    return fast_generator(net, bf16=True)


@pytest.mark.parametrize('B', (1, 8))
@pytest.mark.parametrize('make', (identity, torch.compile, fold_batchnorm, fast_generator,
                                  fast_in_bf16))
def test_drawing(benchmark, make, B):
    torch.manual_seed(0)
    net = make(birds.new_generator().eval().to(device))
    noise = torch.randn(B, 100, device=device)                        # (B, Z)
    sentence = torch.randn(B, 256, device=device)                     # (B, D)
    words = torch.randn(B, 256, 18, device=device)                    # (B, D, T)
    lengths = torch.full((B,), 12, device=device)                     # (B,)

    def run():
        with torch.inference_mode():
            net(noise, sentence, words, lengths)
    race(benchmark, f'drawing at 256 pixels, B = {B}', run)


@pytest.mark.parametrize('version', ('plain', 'folded', 'bfloat16', 'cached features'))
def test_damsm_step(benchmark, version, B=8):
    torch.manual_seed(0)
    damsm = birds.new_damsm(5450, weights=None).to(device).train()
    images = torch.rand(B, 3, 299, 299, device=device)*2 - 1          # (B, 3, 299, 299)
    ids = torch.randint(1, 5450, (B, 18), device=device)              # (B, T)
    lengths = torch.full((B,), 12, device=device)                     # (B,)
    optimiser = torch.optim.Adam([p for p in damsm.parameters() if p.requires_grad], 2e-3)
    encoder = damsm.image_encoder
    if version == 'folded':
        encoder.lower = fold_batchnorm(encoder.lower)
        encoder.upper = fold_batchnorm(encoder.upper)
    if version == 'cached features':
        with torch.no_grad():
            images = BackboneFeatures(*encoder.features(images))

    def run():
        with torch.autocast(device, torch.bfloat16, enabled=version == 'bfloat16'):
            vectors = damsm(images, ids, lengths)
            loss = sum(damsm.loss(*vectors, lengths).values())
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(damsm.text_encoder.parameters(), .25)
        optimiser.step()
    race(benchmark, f'a step of the DAMSM, B = {B}', run)
