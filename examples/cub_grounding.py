"""Measure a DAMSM of examples/cub_damsm.py on the 2,933 photographs of species it never saw.

    python examples/cub_grounding.py --path ~/data/birds --damsm models/damsm --out grounding.json

R-precision (1 of 100 captions, 30 draws of the other 99, mean and standard deviation; for the
first draw also by words, and by words and sentence together), and the distance from the peak of
each word's map to the part that it names, with three baselines (chapter 33), for the trained
heads and for new ones. The test species are looked at here and nowhere else.
"""
import argparse
import json
import statistics
from pathlib import Path

import torch
from cub_damsm import recipe
from PIL import Image

from attngan import files
from attngan.damsm_training import r_precision
from attngan.data import ImageCaptionDataLoaders
from attngan.grounding import (
    grounding_table,
    mean_positions,
    points_in_square,
    read_part_points,
    word_distances,
)
from attngan.image_encoder import BackboneFeatures
from attngan.inference import load_damsm
from attngan.recipes import keep_features
from attngan.variants import CosineDAMSM

DRAWS = 30


def part_targets(items, points):
    "The part points of each entry, in its square."
    targets = []
    for item in items:
        with Image.open(item.image) as image:
            size = image.size
        targets.append(points_in_square(item, size, points.get(item.key, {})))
    return targets


@torch.no_grad()
def retrieval(damsm, loader):
    "R-precision with the first caption of each picture, by sentence and by words."
    kept = []
    for images, ids, lengths, classes in loader:
        features = BackboneFeatures(*images)
        regions, image, words, sentence = damsm(features, ids, lengths)
        first = slice(None, None, 10)                                # one of ten captions
        parts = regions, image, words, sentence, lengths, classes
        kept.append([x[first].clone() for x in parts])   # a view would keep all ten
    regions, image, words, sentence, lengths, classes = (torch.cat(x) for x in zip(*kept))
    scores = [r_precision(image, sentence, classes, seed=seed) for seed in range(DRAWS)]
    mean = statistics.mean(scores)
    deviation = statistics.stdev(scores)
    result = dict(mean=round(mean, 4), deviation=round(deviation, 4), draws=DRAWS,
                  pictures=len(image))
    right = dict(sentence=0, words=0, both=0)
    generator = torch.Generator().manual_seed(0)
    for i in range(len(image)):
        rivals = (classes != classes[i]).nonzero()[:, 0]             # (n,)
        rivals = rivals[torch.randperm(len(rivals), generator=generator)[:99]]
        choice = torch.cat([torch.tensor([i]), rivals])              # (100,), its own first
        by_words = damsm.scores(regions[i:i + 1], words[choice], lengths[choice])[0]    # (100,)
        cosine = torch.cosine_similarity(image[i:i + 1], sentence[choice])              # (100,)
        by_sentence = damsm.gamma3*cosine                                               # (100,)
        ways = dict(sentence=by_sentence, words=by_words, both=by_sentence + by_words)
        for name, score in ways.items():
            right[name] += int(score[0] > score[1:].max())
    return result | {f'by_{name}': round(n/len(image), 4) for name, n in right.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--path', required=True, help='CUB in the layout of the released code')
    parser.add_argument('--damsm', required=True, help='folder that cub_damsm.py wrote')
    parser.add_argument('--features', default='models/cub_features_test', help='the cache')
    parser.add_argument('--out', required=True, help='a JSON file')
    args = parser.parse_args()

    damsm, vocab = load_damsm(Path(args.damsm)/'damsm.safetensors')
    rule = 'cosine' if isinstance(damsm, CosineDAMSM) else 'paper'
    config = recipe(rule)
    train, test = files.cub_items(args.path)
    points = read_part_points(Path(args.path)/'CUB_200_2011')
    means = mean_positions(part_targets(train, points))
    pictures = ImageCaptionDataLoaders.from_items(test, test, config, vocab, augment=False,
                                                  val_bs=100)
    dls = keep_features(pictures, damsm.image_encoder, args.features)
    captions = pictures.valid_ds.items                               # one entry a caption
    assert len(captions) == 10*len(test)
    by_key = dict(zip([item.key for item in test], part_targets(test, points)))
    targets = [by_key[item.key] for item in captions]

    results = dict(rule=rule, r_precision=retrieval(damsm.eval(), dls.valid))
    torch.manual_seed(0)
    untrained = config.new_damsm(len(vocab))
    networks = dict(trained=damsm, untrained=untrained)
    if rule == 'paper':        # the same encoders, without eq. 8
        networks['by_cosine'] = CosineDAMSM(damsm.text_encoder, damsm.image_encoder)
    for name, network in networks.items():
        distances = word_distances(network, dls.valid, vocab, targets, means)
        results[name] = grounding_table(distances)
        print(name, results[name]['noun']['all'])
    Path(args.out).write_text(json.dumps(results, indent=1) + '\n')
    print(results['r_precision'])


if __name__ == '__main__':
    main()
