"""Tiny networks and data for the tests with real processes."""

import random
from contextlib import contextmanager
from dataclasses import replace

import torch

from attngan.config import Config
from attngan.damsm_training import damsm_learner
from attngan.data import ImageCaptionDataLoaders
from attngan.discriminator import DiscriminatorConfig
from attngan.generator import GeneratorConfig
from attngan.recipes import paperbirds_callbacks
from attngan.training import attngan_learner
from attngan.variants import paperbirds

def tiny(bs, group=None, **text) -> Config:
    "The networks of the paper birds with a few channels each."
    return replace(
        paperbirds,
        text=replace(paperbirds.text, emb_sz=16, dim=16, **text),
        damsm=replace(paperbirds.damsm, group=group),
        generator=replace(paperbirds.generator, hidden=(4, 4, 4), cond=8, noise=8),
        discriminator=replace(paperbirds.discriminator, width=4, most=8, project=8, hidden=8),
        training=replace(paperbirds.training, bs=bs, damsm_bs=bs),
    )


def tiny_paper(bs) -> Config:
    "The same sizes, with the paper's generator and discriminators."
    return replace(
        tiny(bs),
        generator=GeneratorConfig(hidden=4, cond=8, noise=8, base=16),
        discriminator=DiscriminatorConfig(width=4),
    )


def tiny_data(config, bs, n=45, n_valid=19, **kwargs) -> ImageCaptionDataLoaders:
    return ImageCaptionDataLoaders.from_paperbirds(
        n=n, n_valid=n_valid, config=config, bs=bs, device='cpu', **kwargs
    )


def seeded_learner(kind, bs, seed=1, **kwargs):
    "A Learner of a tiny DAMSM ('damsm') or GAN ('gan'), with dropout and all callbacks of ours."
    random.seed(seed)
    torch.manual_seed(seed)
    config = tiny(8, dropout=.3)
    dls = tiny_data(config, bs, **kwargs)
    damsm = config.new_damsm(len(dls.vocab))
    if kind == 'gan':
        return attngan_learner(dls, damsm, bf16=False, cbs=paperbirds_callbacks())
    learn = damsm_learner(dls, damsm, bf16=False)
    learn.metrics[0].pool = 10
    return learn


@contextmanager
def quiet(learn):
    "No bar and no table."
    with learn.no_bar(), learn.no_logging():
        yield
