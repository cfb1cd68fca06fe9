"""AttnGAN beside flow matching: the same words, birds, minutes and reader (chapter 50).

    attngan_train --minutes 10 --out models/ten
    python examples/race.py models/ten --minutes 7.1 --out nbs/race.json --grid images/race.png

trains the flow of chapter 50 for so many minutes, which are those that the GAN of `models/ten`
had (its log says how many), on as many birds, with the words of the same frozen text encoder.
Nothing else may run beside it. Both models then draw the captions of the validation split, and
the attribute reader reads both.
"""
import argparse
import json
import random
import statistics
import time
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from PIL import Image

from attngan.flow import FlowNetwork, draw_flow, train_flow
from attngan.inference import TextToImage
from attngan.metrics import (
    attribute_accuracy,
    encode_captions,
    fid,
    load_reader,
    read_attributes,
    variety,
)
from attngan.optimize import fast_bf16
from attngan.paperbirds import PaperBirds, mentions, thread
from attngan.serialization import atomic_write
from attngan.show import show_rows

VARIANTS = {'16 steps, g = 3': (16, 3.), '16 steps, g = 1': (16, 1.), '4 steps, g = 3': (4, 3.)}


class GAN:
    "The generator of a trained `TextToImage`."
    def __init__(self, model):
        self.model = model

    def draw(self, words, sentence, lengths, seed):  # → (B, 3, S, S)
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(len(words), self.model.generator_config.noise, generator=generator)
        images, *_ = self.model.generator(noise, sentence, words, lengths)
        return images[-1]


class Flow:
    "A trained `FlowNetwork`, with the steps and the guidance of its drawing."
    def __init__(self, network, steps=16, guidance=3.):
        self.network = network.eval()
        self.steps = steps
        self.guidance = guidance

    def draw(self, words, sentence, lengths, seed):  # → (B, 3, S, S)
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(len(words), 3, 64, 64, generator=generator)
        path, _ = draw_flow(self.network, words, sentence, lengths, noise,
                            self.steps, self.guidance)
        return path[-1].clamp(-1, 1)


def caption_ids(birds, vocab, T):  # → (n, k, T)
    rows = [[vocab.encode(text, T)[0] for text in texts] for texts in birds.texts()]
    return torch.stack([torch.stack(row) for row in rows])


@torch.no_grad()
def draw_all(model, text, seed=0):  # words, sentence, lengths of n captions → (n, 3, S, S)
    words, sentence, lengths = text
    batches = torch.arange(len(words)).split(50)
    return torch.cat([model.draw(words[i], sentence[i], lengths[i], seed*1000 + k)
                      for k, i in enumerate(batches)])


@torch.no_grad()
def seconds_a_picture(model, text, B):
    "Median of nine drawings of B captions, on all cores."
    words, sentence, lengths = (x[:B] for x in text)
    times = []
    for seed in range(9):
        start = time.perf_counter()
        model.draw(words, sentence, lengths, seed)
        times.append(time.perf_counter() - start)
    return statistics.median(times)/B


def judge(model, birds, text, real):
    "Obedience, variety, distance to real birds, and the time to draw."
    claims = [mentions(captions[0]) for captions in birds.captions]
    reader = load_reader()
    drawings = [draw_all(model, text, seed) for seed in range(4)]          # 4 × (n, 3, S, S)
    readings = [read_attributes(reader, pictures) for pictures in drawings]
    found = attribute_accuracy(readings[0], claims)
    return dict(attributes=found['attributes'], captions=found['captions'],
                variety=variety(claims, list(zip(*readings))),
                fid=fid(real, drawings[0]),
                seconds=dict(one=seconds_a_picture(model, text, 1),
                             sixteen=seconds_a_picture(model, text, 16)))


def train(model, args):
    "A flow on the GAN's birds and words; its obedience after each minute."
    birds = PaperBirds('train', n=args.n)
    ids = caption_ids(birds, model.vocab, model.text.max_words)
    watched = PaperBirds('valid', n=200, n_captions=1)
    text = encode(model, watched)
    claims = [mentions(captions[0]) for captions in watched.captions]
    reader = load_reader()
    curve = []

    def watch(minute, network):
        with torch.random.fork_rng():
            pictures = draw_all(Flow(network), text)
        found = attribute_accuracy(read_attributes(reader, pictures), claims)
        curve.append([minute, found['attributes']])
        print(f'minute {minute}: attributes {found["attributes"]:.3f}', flush=True)

    random.seed(args.seed)
    torch.manual_seed(args.seed)
    network = FlowNetwork(dim=model.text.dim)
    average, steps = train_flow(network, model.text_encoder, torch.from_numpy(birds.images),
                                ids, args.minutes, watch=watch)
    return average.eval(), steps, curve


@torch.no_grad()
def encode(model, birds):  # → words (n, D, T), sentence (n, D), lengths (n,)
    ids, lengths = encode_captions(model.vocab, birds, model.text.max_words)
    return *model.text_encoder(ids, lengths), lengths


@torch.no_grad()
def save_grid(path, model, players, birds):
    "Our bird and the first bird of seven other species: real, and drawn by both."
    bird = thread()
    chosen = torch.linspace(0, len(birds.species) - 1, 7).long().tolist()
    captions = [bird.caption, *(birds.texts()[i][0] for i in chosen)]
    real = [torch.tensor(image).movedim(2, 0)/127.5 - 1
            for image in (bird.image, *(birds.images[i] for i in chosen))]
    ids, lengths = zip(*[model.vocab.encode(c, model.text.max_words) for c in captions])
    ids, lengths = torch.stack(ids), torch.tensor(lengths)
    words, sentence = model.text_encoder(ids, lengths)
    rows = [player.draw(words, sentence, lengths, seed=0) for player in players.values()]
    figure = show_rows([torch.stack(real), *rows], captions, ['real', *players], scale=1.15)
    figure.savefig(path, dpi=110, bbox_inches='tight')
    plt.close(figure)
    Image.open(path).convert('RGB').quantize(256).save(path, optimize=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('gan', help='folder of a trained model of paper birds')
    parser.add_argument('--minutes', type=float, required=True, help='that the GAN was trained')
    parser.add_argument('--n', type=int, default=9000, help='birds to train on')
    parser.add_argument('--captions', type=int, default=1000, help='validation captions')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', type=Path, required=True, help='JSON file')
    parser.add_argument('--grid', type=Path, help='picture file')
    args = parser.parse_args()

    model = TextToImage.from_pretrained(args.gan)
    network, steps, curve = train(model, args)
    birds = PaperBirds('valid', n=args.captions, n_captions=1)
    text = encode(model, birds)
    real = torch.from_numpy(birds.images).movedim(3, 1)/127.5 - 1              # (n, 3, S, S)
    players = {'AttnGAN': GAN(model)}
    for name, (n_steps, guidance) in VARIANTS.items():
        players[f'flow, {name}'] = Flow(network, n_steps, guidance)
    rows = {name: judge(player, birds, text, real) for name, player in players.items()}
    others = PaperBirds('valid', n=2*args.captions, n_captions=1).images[args.captions:]
    floor = torch.from_numpy(others).movedim(3, 1)/127.5 - 1
    result = dict(
        minutes=args.minutes, n=args.n, captions=args.captions, seed=args.seed, steps=steps,
        parameters=dict(generator=sum(p.numel() for p in model.generator.parameters()),
                        flow=sum(p.numel() for p in network.parameters())),
        threads=torch.get_num_threads(), bf16=fast_bf16('cpu'), torch=torch.__version__,
        curve=curve, fid_real=fid(real, floor), models=rows)
    with atomic_write(args.out) as file:
        file.write_text(json.dumps(result, indent=1) + '\n')
    if args.grid:
        two = {'AttnGAN': players['AttnGAN'], 'flow': players['flow, 16 steps, g = 3']}
        save_grid(args.grid, model, two, birds)
    for name, row in rows.items():
        print(name, row)


if __name__ == '__main__':
    main()
