"Trains the judge of nbs/31_metrics.ipynb and writes attngan/pretrained/judge.safetensors: `python tools/judge.py` (about seven minutes)."
import random
from pathlib import Path
import torch
from attngan.damsm_training import TimeLimit, attribute_learner, damsm_learner
from attngan.data import ImageCaptionDataLoaders
from attngan.inference import save_damsm

random.seed(1); torch.manual_seed(1)
dls = ImageCaptionDataLoaders.from_paperbirds(seed=1, bs=64)           # other birds than seed 0, which generators are trained on
damsm = damsm_learner(dls); encoder = damsm.model.image_encoder
attribute_learner(dls, encoder).fit_one_cycle(1000, 3e-3, cbs=TimeLimit(1.5)); encoder.freeze()
damsm.fit_flat_cos(1000, pct_start=.6, div_final=50, cbs=TimeLimit(5.))
save_damsm(damsm.model, dls.vocab, dls.preset, Path(__file__).parent.parent/'attngan/pretrained/judge.safetensors')
