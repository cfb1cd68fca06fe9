"""Does bfloat16 cost obedience? The same GAN trainings in float32 and in bfloat16.

`python benchmarks/bf16.py > benchmarks/bf16.jsonl` writes a line of JSON for each.
"""
import json
import random
import time

import torch

from attngan.data import ImageCaptionDataLoaders
from attngan.inference import TextToImage, load_damsm, model_folder
from attngan.metrics import measure
from attngan.recipes import paperbirds_callbacks
from attngan.training import attngan_learner
from attngan.variants import paperbirds

def train(damsm, vocab, seed, bf16):
    "A trained model of paper birds."
    random.seed(seed)
    torch.manual_seed(seed)
    dls = ImageCaptionDataLoaders.from_paperbirds(config=paperbirds, vocab=vocab)
    learn = attngan_learner(dls, damsm, bf16=bf16, cbs=paperbirds_callbacks())
    with learn.no_bar(), learn.no_logging():
        learn.fit_flat_cos(4, pct_start=.85, div_final=50)
    return TextToImage.from_learner(learn)


def main():
    torch.set_num_threads(1)
    damsm, vocab = load_damsm(model_folder('paperbirds')/'damsm.safetensors')
    for seed in range(3):
        for bf16 in (False, True):
            start = time.monotonic()
            model = train(damsm, vocab, seed, bf16)
            minutes = round((time.monotonic() - start)/60, 1)
            result = dict(seed=seed, bf16=bf16, minutes=minutes, **measure(model))
            print(json.dumps(result), flush=True)


if __name__ == '__main__':
    main()
