"AttnGAN on paper birds in plain PyTorch, without fastai: `python examples/train.py`."
import argparse
import random
from dataclasses import replace

import torch
from torch.nn.utils import clip_grad_norm_
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from attngan.batch import CaptionDataset
from attngan.files import CaptionedImage
from attngan.gan_losses import discriminator_loss, generator_loss, kl_loss, wrong_captions
from attngan.inference import TextToImage
from attngan.paperbirds import PaperBirds
from attngan.text import Vocab
from attngan.variants import paperbirds

def entries(birds):
    "Paper birds as entries of a data set; `attngan.files` reads CUB, COCO and folders as such."
    rows = zip(birds.images, birds.texts(), birds.species)
    return [CaptionedImage(image, captions, int(species)) for image, captions, species in rows]


def train_damsm(damsm, loader, config, epochs, device):
    "Both encoders learn to find the right partner in the batch ([P] eq. 14)."
    optimizer = torch.optim.Adam(damsm.parameters(), config.damsm_lr, (.5, .999))
    damsm.train()
    for epoch in range(epochs):
        for images, *rest in loader:
            ids, lengths, class_ids = [x.to(device) for x in rest]
            outputs = damsm(images[-1].to(device), ids, lengths)
            loss = sum(damsm.loss(*outputs, lengths, class_ids).values())
            optimizer.zero_grad()
            loss.backward()
            clip_grad_norm_(damsm.text_encoder.parameters(), config.clip)
            optimizer.step()
        print(f'DAMSM epoch {epoch}: {loss.item():.2f}', flush=True)
    damsm.eval().requires_grad_(False)


def train_gan(generator, discriminators, damsm, loader, config, epochs, device):
    "The steps of the paper ([P] eq. 3-5). Returns the averaged generator."
    training, weights = config.training, config.losses
    average = AveragedModel(generator, multi_avg_fn=get_ema_multi_avg_fn(training.ema),
                            use_buffers=True)
    g_optimizer = torch.optim.Adam(generator.parameters(), training.lr, training.betas)
    d_optimizer = torch.optim.Adam(discriminators.parameters(), training.d_lr, training.betas)
    for epoch in range(epochs):
        for images, *rest in loader:
            images = [x.to(device) for x in images]
            ids, lengths, class_ids = [x.to(device) for x in rest]
            words, sentence = damsm.text_encoder(ids, lengths)              # (B, D, T), (B, D)
            noise = torch.randn(len(ids), config.generator.noise, device=device)
            fakes, _, mu, logvar = generator(noise, sentence, words, lengths)
            wrong = sentence[wrong_captions(class_ids)]                     # (B, D)
            d_loss = 0.
            for d, real, fake in zip(discriminators, images, fakes):
                real, fake = d(real), d(fake.detach())                      # (B, F, 4, 4)
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
            regions, image = damsm.image_encoder(fakes[-1])
            match = damsm.loss(regions, image, words, sentence, lengths, class_ids)
            g_loss = g_loss + weights.damsm*sum(match.values())
            g_optimizer.zero_grad()
            g_loss.backward()
            g_optimizer.step()
            average.update_parameters(generator)
        print(f'GAN epoch {epoch}: D {d_loss.item():.2f} G {g_loss.item():.2f}', flush=True)
    return average.module


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--n', type=int, default=9000, help='training pictures')
    parser.add_argument('--damsm-epochs', type=int, default=20)
    parser.add_argument('--epochs', type=int, default=20)
    parser.add_argument('--out', default='models/plain', help='folder for the model')
    args = parser.parse_args()
    torch.manual_seed(0)
    random.seed(0)
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    config = replace(paperbirds, generator=replace(paperbirds.generator, random_flip=False))
    items = entries(PaperBirds('train', args.n))
    vocab = Vocab.from_captions((caption for item in items for caption in item.captions),
                                stop=config.text.stop_words)
    dataset = CaptionDataset(items, vocab, config, augment=False)
    loader = DataLoader(dataset, config.training.bs, shuffle=True, drop_last=True,
                        collate_fn=dataset.collate)
    damsm = config.new_damsm(len(vocab)).to(device)
    train_damsm(damsm, loader, config.training, args.damsm_epochs, device)
    generator = config.new_generator().to(device)
    discriminators = config.new_discriminators().to(device)
    average = train_gan(generator, discriminators, damsm, loader, config, args.epochs, device)
    model = TextToImage(vocab, config.text, config.generator)
    model.text_encoder.load_state_dict(damsm.text_encoder.state_dict())
    model.generator.load_state_dict(average.state_dict())
    model.save_pretrained(args.out)
    print(f'saved {args.out}')


if __name__ == '__main__':
    main()
