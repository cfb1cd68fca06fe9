"Trains the judge of nbs/31_metrics.ipynb and writes attngan/pretrained/judge.safetensors: `python tools/judge.py` (about seven minutes)."
import json, random
from pathlib import Path
import torch
from safetensors.torch import save_file
from attngan.damsm_training import TimeLimit, attribute_learner, damsm_learner
from attngan.data import ImageCaptionDataLoaders

random.seed(1); torch.manual_seed(1)
dls = ImageCaptionDataLoaders.from_paperbirds(seed=1, bs=64)           # other birds than seed 0, which generators are trained on
damsm = damsm_learner(dls); encoder = damsm.model.image_encoder
attribute_learner(dls, encoder).fit_one_cycle(1000, 3e-3, cbs=TimeLimit(1.5)); encoder.freeze()
damsm.fit_flat_cos(1000, pct_start=dls.preset.decay_from, div_final=50, cbs=TimeLimit(5.))
weights = {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in damsm.model.cpu().state_dict().items()}
save_file(weights, Path(__file__).parent.parent/'attngan/pretrained/judge.safetensors', metadata=dict(words=json.dumps(dls.vocab.words[1:])))
