"""Train the paper's GAN on CUB at 64 pixels, beside the recipe for photographs.

    python examples/cub_gan_paper.py --path ~/data/birds --damsm models/birds --minutes 60 \
        --out models/birds_paper

Networks, losses, λ, batch size and optimisers are those of the released code; only the pictures
are a quarter as large (16, 32 and 64 pixels). Text encoder and DAMSM loss come from `--damsm`, the
folder of a model that `attngan_train --data cub --recipe photographs` has made, so that both
recipes have the same. Stopped, the same command goes on from the last checkpoint.
`attngan_evaluate --data cub --path ~/data/birds --recipe photographs -m models/birds_paper`
measures the model.
"""
import argparse
import random
from dataclasses import replace
from pathlib import Path

import torch

from attngan.config import birds
from attngan.data import ImageCaptionDataLoaders
from attngan.inference import TextToImage, load_damsm
from attngan.learner import TimeLimit
from attngan.photographs import photographs
from attngan.resuming import Checkpoint
from attngan.training import attngan_learner

def recipe():
    "The paper's birds at 64 pixels, with the text encoder and the DAMSM of `photographs`."
    return replace(
        birds,
        text=photographs.text,
        image=photographs.image,
        damsm=photographs.damsm,
        generator=replace(birds.generator, base=16),
        training=replace(birds.training, zoom=1.),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--path', required=True, help='CUB in the layout of the released code')
    parser.add_argument('--damsm', required=True, help='a folder with damsm.safetensors')
    parser.add_argument('--minutes', type=float, required=True, help='wall time of the GAN')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--valid-species', type=int, default=20,
                        help='training species held out, as in the training of the DAMSM')
    parser.add_argument('--out', required=True, help='a folder')
    args = parser.parse_args()
    out = Path(args.out)

    random.seed(args.seed)
    torch.manual_seed(args.seed)
    damsm, vocab = load_damsm(Path(args.damsm)/'damsm.safetensors')
    dls = ImageCaptionDataLoaders.from_cub(args.path, recipe(), vocab=vocab,
                                           valid_species=args.valid_species)
    learn = attngan_learner(dls, damsm)
    checkpoint = Checkpoint(out/'checkpoints', minutes=2., resume=True)
    with learn.no_bar():
        learn.fit(1000, cbs=[TimeLimit(args.minutes), checkpoint])
    TextToImage.from_learner(learn).save_pretrained(out)
    print(f'saved to {out}')


if __name__ == '__main__':
    main()
