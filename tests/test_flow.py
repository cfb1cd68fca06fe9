"The flow-matching model of part VI: shapes, padding, a loss that falls, the same seed."
import pytest
import torch

from attngan.flow import CrossAttention, FlowNetwork, draw_flow, flow_loss, train_flow
from attngan.text import Vocab
from attngan.variants import paperbirds

D = 32
T = 6


@pytest.fixture
def network():
    torch.manual_seed(0)
    return FlowNetwork(D, (32, 32), size=16)


def text(B):
    "Words, sentence, lengths of B captions."
    torch.manual_seed(1)
    return torch.randn(B, D, T), torch.randn(B, D), torch.tensor([T, 3, 1, 4])[:B]


def noise(B, seed=2):
    return torch.randn(B, 3, 16, 16, generator=torch.Generator().manual_seed(seed))


def trained_a_little(network, images, given, steps=60):
    "The loss of the first and of the last ten steps on the same few pictures."
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    losses = []
    for _ in range(steps):
        loss = flow_loss(network, images, *given)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses[:10])/10, sum(losses[-10:])/10


def test_shapes(network):
    clean, maps = network(noise(4), torch.rand(4), *text(4))
    assert clean.shape == (4, 3, 16, 16)
    assert [m.shape[1:] for m in maps] == [(T, 2, 2), (T, 2, 2), (T, 4, 4)]
    for of_block in maps:
        assert torch.allclose(of_block.sum(1), torch.ones(4, *of_block.shape[2:]), atol=1e-5)


def test_an_untrained_network_estimates_the_middle(network):
    clean, _ = network(noise(4), torch.rand(4), *text(4))
    assert torch.equal(clean, torch.zeros_like(clean))


@pytest.mark.parametrize('heads', [1, 4])
def test_padding_does_not_matter(heads):
    torch.manual_seed(0)
    attend = CrossAttention(16, D, heads)
    words, _, lengths = text(4)
    h = torch.randn(4, 16, 5, 5)
    context, attention = attend(h, words, lengths)
    junk = words.clone()
    for i, length in enumerate(lengths):
        junk[i, :, length:] = 99.
    again, attention_again = attend(h, junk, lengths)
    assert torch.equal(context, again) and torch.equal(attention, attention_again)
    assert attention[2, 1:].abs().max() == 0


def test_padding_does_not_matter_to_the_network(network):
    words, sentence, lengths = text(4)
    trained_a_little(network, noise(4).clamp(-1, 1), (words, sentence, lengths), steps=5)
    x = noise(4)
    t = torch.rand(4)
    long, _ = network(x, t, words, sentence, lengths)
    short, _ = network(x[1:2], t[1:2], words[1:2, :, :3], sentence[1:2], lengths[1:2])
    assert torch.allclose(long[1:2], short, atol=1e-5)


def test_the_loss_falls(network):
    first, last = trained_a_little(network, noise(4, seed=5).clamp(-1, 1), text(4))
    assert last < .6*first, (first, last)


def test_the_same_noise_gives_the_same_picture(network):
    given = text(2)
    trained_a_little(network, noise(2).clamp(-1, 1), given, steps=5)
    network.eval()
    one, maps = draw_flow(network, *given, noise(2), steps=4)
    same, _ = draw_flow(network, *given, noise(2), steps=4)
    other, _ = draw_flow(network, *given, noise(2, seed=3), steps=4)
    assert torch.equal(one[-1], same[-1]) and not torch.equal(one[-1], other[-1])
    assert len(one) == 5 and len(maps) == 3
    assert one[-1].abs().max() <= 1


def test_without_guidance_the_empty_caption_does_not_count(network):
    words, sentence, lengths = text(2)
    trained_a_little(network, noise(2).clamp(-1, 1), (words, sentence, lengths), steps=5)
    one, _ = draw_flow(network, words, sentence, lengths, noise(2), steps=1, guidance=1.)
    clean, _ = network(noise(2), torch.zeros(2), words, sentence, lengths)
    assert torch.allclose(one[-1], clean.clamp(-1, 1), atol=1e-5)


def test_training_stops_in_time_and_averages():
    torch.manual_seed(0)
    vocab = Vocab.from_captions(['a red bird with a black crown'])
    network = FlowNetwork(paperbirds.dim, (32, 32))
    text_encoder = paperbirds.text.build(len(vocab))
    ids = vocab.encode('a red bird', 20)[0].expand(8, 2, -1)
    images = torch.randint(256, (8, 64, 64, 3), dtype=torch.uint8)
    before = network.leave.weight.clone()
    seen = []
    average, steps = train_flow(network, text_encoder, images, ids, minutes=.02,
                                bs=4, watch=lambda minute, network: seen.append(minute))
    assert steps >= 1 and seen == []                  # no whole minute
    assert not torch.equal(average.leave.weight, before)
    assert not any(p.requires_grad for p in average.parameters())
