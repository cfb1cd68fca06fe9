"Does bfloat16 cost obedience? The same GAN trainings in float32 and in bfloat16, one line of JSON each: `python benchmarks/bf16.py > benchmarks/bf16.jsonl`."
import json, random, time
import torch
from attngan.data import ImageCaptionDataLoaders
from attngan.inference import TextToImage, load_damsm, pretrained
from attngan.metrics import measure
from attngan.training import attngan_learner

torch.set_num_threads(1)
damsm, vocab = load_damsm(pretrained('paperbirds')/'damsm.safetensors')
for seed in range(3):
    for bf16 in (False, True):
        random.seed(seed); torch.manual_seed(seed); start = time.monotonic()
        dls = ImageCaptionDataLoaders.from_paperbirds(vocab=vocab)
        learn = attngan_learner(dls, damsm, bf16=bf16)
        with learn.no_bar(), learn.no_logging(): learn.fit_flat_cos(4, pct_start=dls.preset.decay_from, div_final=50)
        took = time.monotonic() - start
        print(json.dumps(dict(seed=seed, bf16=bf16, minutes=round(took/60, 1), **measure(TextToImage.from_learner(learn)))), flush=True)
