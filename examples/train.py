"AttnGAN on paper birds in plain PyTorch, without fastai: `python examples/train.py`."
import argparse
from dataclasses import replace

import torch
from torch.nn.utils import clip_grad_norm_
from torch.optim import Adam
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from attngan.batch import CaptionDataset
from attngan.files import paperbird_items
from attngan.gan_losses import discriminator_loss, generator_loss, kl_loss, wrong_captions
from attngan.inference import TextToImage
from attngan.paperbirds import PaperBirds
from attngan.text import Vocab
from attngan.variants import paperbirds

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument('--n', type=int, default=9000, help='training pictures')
parser.add_argument('--epochs', type=int, default=20, help='of the DAMSM, and of the GAN')
parser.add_argument('--out', default='models/plain', help='folder for the model')
args = parser.parse_args()
device = 'cuda' if torch.cuda.is_available() else 'cpu'

config = replace(paperbirds, generator=replace(paperbirds.generator, random_flip=False))
training = config.training
weights = config.losses
items = paperbird_items(PaperBirds('train', args.n))   # or those of attngan.files.cub_items …
vocab = Vocab.from_captions((caption for item in items for caption in item.captions),
                            stop=config.text.stop_words)
dataset = CaptionDataset(items, vocab, config, augment=False)
loader = DataLoader(dataset, training.bs, shuffle=True, drop_last=True,
                    collate_fn=dataset.collate)


def batches():
    "The batches of an epoch: images [(B, 3, S, S)], ids (B, T), lengths (B,), class_ids (B,)."
    for images, *others in loader:
        yield [x.to(device) for x in images], *[x.to(device) for x in others]


# 1. The DAMSM learns to find the right partner in the batch ([P] eq. 14).
damsm = config.new_damsm(len(vocab)).to(device)
optimizer = Adam(damsm.parameters(), training.damsm_lr, (.5, .999))
for epoch in range(args.epochs):
    for images, ids, lengths, class_ids in batches():
        outputs = damsm(images, ids, lengths)
        loss = sum(damsm.loss(*outputs, lengths, class_ids).values())
        optimizer.zero_grad()
        loss.backward()
        clip_grad_norm_(damsm.text_encoder.parameters(), training.clip)
        optimizer.step()
    print(f'DAMSM epoch {epoch}: {loss.item():.2f}', flush=True)
damsm.eval().requires_grad_(False)

# 2. The discriminators and the generator learn in turn ([P] eq. 3-5).
generator = config.new_generator().to(device)
discriminators = config.new_discriminators().to(device)
average = AveragedModel(generator, multi_avg_fn=get_ema_multi_avg_fn(training.ema),
                        use_buffers=True)
g_optimizer = Adam(generator.parameters(), training.lr, training.betas)
d_optimizer = Adam(discriminators.parameters(), training.d_lr, training.betas)
for epoch in range(args.epochs):
    for images, ids, lengths, class_ids in batches():
        words, sentence = damsm.text_encoder(ids, lengths)              # (B, D, T), (B, D)
        noise = torch.randn(len(ids), config.generator.noise, device=device)  # (B, Z)
        fakes, _, mu, logvar = generator(noise, sentence, words, lengths)
        wrong = sentence[wrong_captions(class_ids)]                     # (B, D)
        d_loss = 0.
        for d, real, fake in zip(discriminators, images, fakes):
            real = d(real)                                              # (B, F, 4, 4)
            fake = d(fake.detach())                                     # (B, F, 4, 4)
            d_loss = d_loss + discriminator_loss(
                d.conditional(real, sentence), d.conditional(fake, sentence),
                d.conditional(real, wrong), d.unconditional(real), d.unconditional(fake))
        d_optimizer.zero_grad()
        d_loss.backward()
        d_optimizer.step()

        g_loss = weights.kl*kl_loss(mu, logvar)
        for d, fake in zip(discriminators, fakes):
            fake = d(fake)                                              # (B, F, 4, 4)
            g_loss = g_loss + generator_loss(d.conditional(fake, sentence),
                                             d.unconditional(fake))
        regions, image = damsm.image_encoder(fakes[-1])                 # (B, D, h, w), (B, D)
        match = damsm.loss(regions, image, words, sentence, lengths, class_ids)
        g_loss = g_loss + weights.damsm*sum(match.values())
        g_optimizer.zero_grad()
        g_loss.backward()
        g_optimizer.step()
        average.update_parameters(generator)
    print(f'GAN epoch {epoch}: D {d_loss.item():.2f} G {g_loss.item():.2f}', flush=True)

# 3. The averaged generator is saved with the text encoder that it was trained with.
model = TextToImage(vocab, config.text, config.generator)
model.text_encoder.load_state_dict(damsm.text_encoder.state_dict())
model.generator.load_state_dict(average.module.state_dict())
model.save_pretrained(args.out)
print(f'saved {args.out}')
