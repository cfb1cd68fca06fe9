"""AttnGAN beside flow matching: the same words, birds, minutes and reader (chapter 50).

    python examples/race.py --minutes 10 --out nbs/race.json --grid images/race.png

trains a GAN with the recipe of paper birds, then the flow of chapter 50, for so many minutes
each, one after the other, on the same birds and with the words of the same frozen text encoder,
that of the DAMSM in the package. Both then draw the captions of the validation split, and the
attribute reader reads both.
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

from attngan.data import ImageCaptionDataLoaders
from attngan.flow import FlowNetwork, draw_flow, train_flow
from attngan.inference import TextToImage, load_damsm, model_folder
from attngan.learner import TimeLimit
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
from attngan.recipes import paperbirds_callbacks
from attngan.serialization import atomic_write
from attngan.show import show_rows
from attngan.training import attngan_learner
from attngan.variants import paperbirds

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
    "Median of nine drawings of B captions."
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


def train_gan(damsm, vocab, args):  # → a `TextToImage`, number of steps
    "The recipe of paper birds, without the training of its DAMSM."
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    dls = ImageCaptionDataLoaders.from_paperbirds(n=args.n, vocab=vocab, config=paperbirds)
    learn = attngan_learner(dls, damsm, cbs=paperbirds_callbacks())
    with learn.no_bar(), learn.no_logging():
        learn.fit_flat_cos(1000, pct_start=.85, div_final=50, cbs=TimeLimit(args.minutes))
    return TextToImage.from_learner(learn), learn.train_iter


def train_the_flow(model, args):  # → a `FlowNetwork`, number of steps
    "On the same birds, with the text encoder of `model`."
    birds = PaperBirds('train', n=args.n)
    ids = caption_ids(birds, model.vocab, model.text.max_words)
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    network = FlowNetwork(dim=model.text.dim)
    average, steps = train_flow(network, model.text_encoder, torch.from_numpy(birds.images),
                                ids, args.minutes)
    return average.eval(), steps


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
    ids = torch.stack(ids)
    lengths = torch.tensor(lengths)
    words, sentence = model.text_encoder(ids, lengths)
    rows = [player.draw(words, sentence, lengths, seed=0) for player in players.values()]
    figure = show_rows([torch.stack(real), *rows], captions, ['real', *players], scale=1.15)
    figure.savefig(path, dpi=110, bbox_inches='tight')
    plt.close(figure)
    Image.open(path).convert('RGB').quantize(256).save(path, optimize=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--minutes', type=float, default=10., help='for each of the two')
    parser.add_argument('--n', type=int, default=9000, help='birds to train on')
    parser.add_argument('--captions', type=int, default=1000, help='validation captions')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', type=Path, required=True, help='JSON file')
    parser.add_argument('--grid', type=Path, help='picture file')
    args = parser.parse_args()

    damsm, vocab = load_damsm(model_folder('paperbirds')/'damsm.safetensors')
    model, gan_steps = train_gan(damsm, vocab, args)
    print(f'GAN: {gan_steps} steps', flush=True)
    network, flow_steps = train_the_flow(model, args)
    print(f'flow: {flow_steps} steps', flush=True)
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
        minutes=args.minutes, n=args.n, captions=args.captions, seed=args.seed,
        steps=dict(generator=gan_steps, flow=flow_steps),
        parameters=dict(generator=sum(p.numel() for p in model.generator.parameters()),
                        flow=sum(p.numel() for p in network.parameters())),
        threads=torch.get_num_threads(), bf16=fast_bf16('cpu'), torch=torch.__version__,
        fid_real=fid(real, floor), models=rows)
    with atomic_write(args.out) as file:
        file.write_text(json.dumps(result, indent=1) + '\n')
    if args.grid:
        two = {'AttnGAN': players['AttnGAN'], 'flow': players['flow, 16 steps, g = 3']}
        save_grid(args.grid, model, two, birds)
    for name, row in rows.items():
        print(name, row)


if __name__ == '__main__':
    main()
