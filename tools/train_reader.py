"""Trains the attribute reader of nbs/31_metrics.ipynb.

`python tools/train_reader.py` writes attngan/pretrained/reader.safetensors (about three minutes
on one core).
"""
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from attngan.metrics import AttributeReader, to_float
from attngan.optimize import fast_bf16
from attngan.paperbirds import QUESTIONS, PaperBirds, answers
from attngan.serialization import weights_of

PRETRAINED = Path(__file__).parent.parent/'attngan'/'pretrained'
STEPS = 1000
BATCH = 48


def degrade(images, rng):  # (B, 3, S, S) in [-1, 1] → the same
    "A third of the batches as they are, a third blurred, a third noisy."
    how = rng.integers(3)
    if how == 1:
        half = F.avg_pool2d(images, 2)                               # (B, 3, S/2, S/2)
        return F.interpolate(half, scale_factor=2, mode='bilinear')
    if how == 2:
        return (images + .15*torch.randn_like(images)).clamp(-1, 1)
    return images


def train(birds):
    "An attribute reader, trained on real birds and their masks."
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    images = to_float(birds.images)                                  # (n, 3, S, S)
    right = torch.as_tensor(answers(birds))                          # (n, questions)
    masks = torch.as_tensor(birds.masks[:, 1::2, 1::2]).long()       # (n, S/2, S/2)
    reader = AttributeReader().train()
    opt = torch.optim.AdamW(reader.parameters(), 3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(opt, 3e-3, STEPS)
    for step in range(STEPS):
        i = torch.from_numpy(rng.integers(len(images), size=BATCH))  # (B,)
        with torch.autocast('cpu', torch.bfloat16, enabled=fast_bf16('cpu')):
            logits, part_map = reader(degrade(images[i], rng))
        loss = 3*F.cross_entropy(part_map.float(), masks[i])
        for j, question in enumerate(QUESTIONS):
            loss = loss + F.cross_entropy(logits[question].float(), right[i, j])
        opt.zero_grad()
        loss.backward()
        opt.step()
        schedule.step()
        if step % 100 == 99:
            print(f'step {step + 1}: loss {loss.item():.3f}')
    return reader.eval()


if __name__ == '__main__':
    save_file(weights_of(train(PaperBirds('train'))), PRETRAINED/'reader.safetensors')
