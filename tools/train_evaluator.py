"""Trains the held-out evaluator of nbs/31_metrics.ipynb.

`python tools/train_evaluator.py` writes attngan/pretrained/evaluator.safetensors (about seven
minutes). It is trained like the DAMSM of a generator, on other birds and from other weights.
"""
import random
from pathlib import Path

import torch

from attngan.damsm_training import damsm_learner
from attngan.data import ImageCaptionDataLoaders
from attngan.inference import save_damsm
from attngan.learner import TimeLimit
from attngan.recipes import attribute_learner

PRETRAINED = Path(__file__).parent.parent/'attngan'/'pretrained'


def main():
    random.seed(1)
    torch.manual_seed(1)
    dls = ImageCaptionDataLoaders.from_paperbirds(seed=1, bs=64)  # generators train on seed 0
    learn = damsm_learner(dls)
    encoder = learn.model.image_encoder
    attribute_learner(dls, encoder).fit_one_cycle(1000, 3e-3, cbs=TimeLimit(1.5))
    encoder.freeze()
    learn.fit_flat_cos(1000, pct_start=.6, div_final=50, cbs=TimeLimit(5.))
    save_damsm(learn.model, dls.vocab, dls.config, PRETRAINED/'evaluator.safetensors')


if __name__ == '__main__':
    main()
