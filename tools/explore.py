"""Make the explorable page: `python tools/explore.py`, then serve the folder that it prints.

The page draws in the reader's browser, so everything it needs lies beside it: the files of
`explore/`, onnxruntime-web from npm, and each model of the package as a few ONNX graphs. All
of it is packed with gzip, whatever the server does, and unpacked by the page.

`python tools/explore.py --model birds=models/mine` puts models of your own on the page.
"""
import argparse
import gzip
import hashlib
import json
import logging
import re
import shutil
import subprocess
import tarfile
import warnings
from importlib.resources import files
from pathlib import Path

import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import load_file
from torch import nn

from attngan import config as recipes
from attngan import variants
from attngan.app import _known_examples
from attngan.config import Config
from attngan.export import _facts, _forget_origin, _Graph
from attngan.inference import TextToImage, load_damsm
from attngan.optimize import fold_batchnorm
from attngan.paperbirds import cache_folder
from attngan.serialization import atomic_write

TOP = Path(__file__).resolve().parent.parent
PAGE = TOP/'explore'
MOST = 15e6       # bytes that a visit may fetch
SWAPS = 300       # words that the list of other words offers at most

# what the page calls the models of the package, and what it has to say about them
TITLES = dict(paperbirds='paper birds', birds='real birds')
NOTES = dict(birds='The real birds were learned from CUB-200-2011, whose pictures are for '
                   'non-commercial research and education; so are these weights.')

# onnxruntime-web as npm has it. The two files need no other, and no special HTTP headers.
RUNTIME = 'onnxruntime-web@1.30.0'
RUNTIME_SHA512 = (
    'ab4cbe26baedba45d2cec05610c71c55fa97db92d19a8b171c5f8269126683ca'
    '590a5cdc57bb2f35ce2b298de32f4d956fb42644c0ecd528a0a91e025c07ca61')
RUNTIME_FILES = {
    'ort.wasm.bundle.min.mjs': 'ort.mjs',
    'ort-wasm-simd-threaded.wasm': 'ort.wasm',
}


# ---- what is recorded: four graphs for one caption, so B = 1

class Text(nn.Module):
    "Words and sentence, and the cloud of conditions around the sentence."

    def __init__(self, model):
        super().__init__()
        self.reader = _Graph(model)              # its text encoder, as ONNX has it
        self.reader.generator = None
        self.mirrors = hasattr(model.generator, 'flip_logit')
        self.flip = model.generator.flip if self.mirrors else None
        self.f_ca = inner(model.generator).f_ca

    def forward(self, ids, lengths):                          # (1, T), (1,)
        words, sentence = self.reader.encode(ids, lengths)     # (1, D, T), (1, D)
        _, mu, logvar = self.f_ca(sentence, sentence.new_zeros(1, 1))   # (1, K)
        found = words, sentence, mu, logvar
        return (*found, self.flip(sentence)) if self.mirrors else found


class Draw(nn.Module):
    """The generator, with its inner steps as outputs and its words under the reader's hand.

    `weight` says how much of a word each refinement is offered: 1 all of it, 0 nothing.
    `keep` multiplies the word context of each refinement: 0 switches word attention off.
    With ones everywhere the pictures are those of `generate`.
    """
    def __init__(self, model):
        super().__init__()
        self.mirrors = hasattr(model.generator, 'flip_logit')
        self.generator = inner(fold_batchnorm(model.generator))

    def attend(self, layer, h, words, weight):   # (1, C, H, W), (1, D, T), (1, T)
        "As `WordAttention`; log `weight` is added to the scores."
        e = layer.project(words)                                   # (1, C, T)
        scores = torch.einsum('bchw,bct->bthw', h, e)              # (1, T, H, W)
        scores = scores + weight.log()[..., None, None]            # (1, T, H, W)
        beta = scores.softmax(1)                                   # (1, T, H, W)
        return torch.einsum('bct,bthw->bchw', e, beta), beta       # (1, C, H, W)

    def forward(self, noise, c, words, weight, keep, flip=None):
        # (1, Z), (1, K), (1, D, T), (1, R, T), (1, R), (1, 1)
        net = self.generator
        z = noise[:, 1:] if self.mirrors else noise                # (1, Z) or (1, Z-1)
        hiddens = [net.f0(z, c)]
        attentions = []
        for i, stage in enumerate(net.f):
            h = hiddens[-1]                                        # (1, C, H, W)
            context, beta = self.attend(stage.attend, h, words, weight[:, i])
            context = context*keep[:, i, None, None, None]         # (1, C, H, W)
            h = stage.up(stage.refine(torch.cat([h, context], 1)))   # (1, C', 2H, 2W)
            hiddens.append(h)
            attentions.append(beta)
        found = [*hiddens, *net.pictures(hiddens), *attentions]
        if self.mirrors:
            mirrored = (noise[:, :1] < flip)[..., None, None]      # (1, 1, 1, 1)
            found = [torch.where(mirrored, x.flip(3), x) for x in found]
        return tuple(found)


class Match(nn.Module):
    "The DAMSM on one picture: where each word looks, and how well it fits what it sees."

    def __init__(self, damsm):
        super().__init__()
        self.damsm = damsm

    def forward(self, image, words, sentence):   # (1, 3, S, S), (1, D, T), (1, D)
        regions, whole = self.damsm.image_encoder(image)           # (1, D, h, w), (1, D)
        attention = self.damsm.attention(words, regions)           # (1, T, h, w)
        seen = torch.einsum('bthw,bdhw->bdt', attention, regions)  # (1, D, T)
        fit = F.cosine_similarity(seen, words, dim=1)              # (1, T)
        return attention, fit, F.cosine_similarity(whole, sentence, dim=1)


class Discriminators(nn.Module):
    "All discriminators: logits of both heads, smallest picture first."

    def __init__(self, discriminators):
        super().__init__()
        self.discriminators = discriminators

    def forward(self, sentence, *images):   # (1, D), (1, 3, S, S) each
        real = []
        match = []
        for d, image in zip(self.discriminators, images):
            features = d(image)                                    # (1, F, 4, 4)
            match.append(d.conditional(features, sentence))        # (1,)
            if d.uncond_head is not None:
                real.append(d.unconditional(features))             # (1,)
        match = torch.stack(match, 1)                              # (1, n)
        return (match, torch.stack(real, 1)) if real else (match,)


def inner(generator):
    "The generator inside a `RandomFlip`, or the generator itself."
    return getattr(generator, 'generator', generator)


# ---- writing the graphs

def record(module, example, inputs, outputs, moving, path, half=False):
    """Write a graph. `moving` maps inputs to the dimension of theirs that is T.

    `half` stores large weights in 16 bits; the graph still computes in 32.
    """
    T = torch.export.Dim('T')
    shapes = tuple({moving[name]: T} if name in moving else None for name in inputs)
    if isinstance(module, Discriminators):
        shapes = (shapes[0], shapes[1:])
    program = torch.onnx.export(
        module.eval(), example, dynamic_shapes=shapes, input_names=inputs,
        output_names=outputs, dynamo=True, external_data=False, verbose=False)
    _forget_origin(program.model.graph)
    graph = program.model_proto
    if half:
        store_in_half(graph)
    pack(graph.SerializeToString(), path)


def store_in_half(graph):
    "Large weights become 16-bit numbers and an operation that widens them again."
    casts = []
    for weight in graph.graph.initializer:
        array = numpy_helper.to_array(weight)
        if weight.data_type != TensorProto.FLOAT or array.size < 1000:
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(array.astype('float16'), f'{name}_half'))
        casts.append(helper.make_node('Cast', [f'{name}_half'], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)


def pack(data, path):
    "Write bytes with gzip, the same file each time."
    with atomic_write(path) as file:
        file.write_bytes(gzip.compress(data, 9, mtime=0))


def is_large(model):
    "Are its weights stored in 16 bits? A model of more than two million numbers is."
    networks = model.text_encoder, model.generator
    return sum(p.numel() for net in networks for p in net.parameters()) > 2e6


def export_text(model, path):
    ids = torch.ones(1, 3, dtype=torch.long)                       # (1, T)
    outputs = ['words', 'sentence', 'mu', 'logvar', 'flip']
    graph = Text(model)
    record(graph, (ids, torch.tensor([3])), ['ids', 'lengths'],
           outputs[:5 if graph.mirrors else 4], dict(ids=1), path, half=is_large(model))


def export_draw(model, path):
    config = model.generator_config
    dim = model.text.dim
    stages = len(config.sizes)
    R = len(config.sizes) - 1
    inputs = ['noise', 'c', 'words', 'weight', 'keep', 'flip']
    example = [
        torch.zeros(1, config.noise),                              # (1, Z)
        torch.zeros(1, config.cond),                               # (1, K)
        torch.zeros(1, dim, 3),                                    # (1, D, T)
        torch.ones(1, R, 3),                                       # (1, R, T)
        torch.ones(1, R),                                          # (1, R)
        torch.zeros(1, 1),                                         # (1, 1)
    ]
    outputs = [f'hidden_{i}' for i in range(stages)]
    outputs += [f'image_{i}' for i in range(len(config.drawn_sizes))]
    outputs += [f'attention_{i}' for i in range(R)]
    graph = Draw(model)
    n = 6 if graph.mirrors else 5
    record(graph, tuple(example[:n]), inputs[:n], outputs, dict(words=2, weight=2), path,
           half=is_large(model))


def export_damsm(model, folder, path):
    "The DAMSM that the generator was trained with, if it lies beside it. Was it written?"
    if not (folder/'damsm.safetensors').is_file():
        return False
    damsm, vocab = load_damsm(folder/'damsm.safetensors')
    if vocab != model.vocab:
        return False
    size = model.generator_config.sizes[-1]
    dim = model.text.dim
    example = torch.zeros(1, 3, size, size), torch.ones(1, dim, 3), torch.ones(1, dim)
    record(Match(damsm), example, ['image', 'words', 'sentence'],
           ['attention', 'fit', 'whole'], dict(words=2), path, half=True)
    return True


def export_discriminators(
    model,
    folder,
    path,
    room=MOST   # bytes that they may take
) -> bool:      # were they written?
    "The discriminators that `attngan_train` left beside the model, if there is room for them."
    file = folder/'discriminators.safetensors'
    recipe = recipe_of(model)
    if not file.is_file() or file.stat().st_size > room or recipe is None:
        return False
    discriminators = recipe.new_discriminators()
    discriminators.load_state_dict(load_file(file))
    sizes = recipe.drawn_sizes
    images = [torch.zeros(1, 3, size, size) for size in sizes]     # (1, 3, S, S) each
    example = torch.zeros(1, recipe.dim), *images
    names = [f'image_{i}' for i in range(len(sizes))]
    record(Discriminators(discriminators), example, ['sentence', *names], ['match', 'real'],
           {}, path, half=True)
    return True


def recipe_of(model):
    "The recipe that such a model is trained with, or None."
    known = [*vars(recipes).values(), *vars(variants).values()]
    for recipe in known:
        if isinstance(recipe, Config):
            if (recipe.text, recipe.generator) == (model.text, model.generator_config):
                return recipe
    return None


def swaps(vocab):
    "Words that the reader may put in the place of another: all, or those that paper birds have."
    words = vocab.words[1:]
    if len(words) <= SWAPS:
        return words
    common = load_damsm(shipped()['paperbirds']/'damsm.safetensors')[1]
    return [word for word in words if word in common.ids]


def export(name, folder, out, room):
    "One model: its graphs and what the page has to know about it; `room`: bytes that it may take."
    out.mkdir(parents=True, exist_ok=True)
    model = TextToImage.from_pretrained(folder)
    export_text(model, out/'text.bin')
    export_draw(model, out/'generator.bin')
    damsm = export_damsm(model, folder, out/'damsm.bin')
    discriminators = export_discriminators(model, folder, out/'discriminators.bin',
                                           room - total_size(out))
    config = model.generator_config
    several = isinstance(config.hidden, (tuple, list))
    channels = config.hidden if several else [config.hidden]*config.stages
    examples = _known_examples(model.vocab) or [' '.join(model.vocab.words[1:4])]
    facts = dict(
        _facts(model), name=name, examples=examples, unknown=model.vocab.unknown,
        swaps=swaps(model.vocab), note=NOTES.get(name, ''),
        dim=model.text.dim, hidden_sizes=list(config.sizes), channels=list(channels),
        damsm=damsm, discriminators=discriminators,
        bytes={p.stem: p.stat().st_size for p in sorted(out.glob('*.bin'))})
    write_json(facts, out/'facts.json')


def write_json(entries, path):
    with atomic_write(path) as file:
        file.write_text(json.dumps(entries, ensure_ascii=False), encoding='utf-8')


# ---- the runtime

def runtime():
    "onnxruntime-web's tarball, downloaded once. Raises ValueError for another content."
    cache = cache_folder()
    path = cache/f'{RUNTIME.replace("@", "-")}.tgz'
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        command = ['npm', 'pack', RUNTIME, '--silent', '--pack-destination', str(cache)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    digest = hashlib.sha512(path.read_bytes()).hexdigest()
    if digest != RUNTIME_SHA512:
        raise ValueError(f'{path} is not the {RUNTIME} that this script was tested with: '
                         'delete it, or change RUNTIME_SHA512')
    return path


def copy_runtime(out):
    "The two files of onnxruntime-web; the large one is packed."
    with tarfile.open(runtime()) as archive:
        for inside, name in RUNTIME_FILES.items():
            data = archive.extractfile(f'package/dist/{inside}').read()
            if name.endswith('.wasm'):
                pack(data, out/f'{Path(name).stem}.bin')
            else:
                (out/name).write_bytes(data)


# ---- the page

def shipped():
    "Name and folder of each model that lies in the package, the smallest first."
    folder = Path(str(files('attngan')))/'pretrained'
    found = sorted(folder.glob('*/model.safetensors'), key=lambda path: path.stat().st_size)
    return {path.parent.name: path.parent for path in found}


def build(
    out,          # where to write the page
    models=None,  # name -> folder; None: those in the package
) -> Path:
    "The whole page. Without npm it has no runtime, and says so to its reader."
    out = Path(out)
    models = models or shipped()
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(PAGE, out)
    if not shutil.which('npm'):
        warnings.warn('npm is missing: the explorable page is made without its runtime',
                      stacklevel=2)
        return out
    copy_runtime(out)
    logging.getLogger('torch.onnx').setLevel(logging.ERROR)
    common = total_size(out)
    for name, folder in models.items():
        export(name, Path(folder), out/'models'/name, MOST - common)
        size = common + total_size(out/'models'/name)
        if size > MOST:
            raise ValueError(f'a visit to the page with {name} would fetch {size/1e6:.1f} MB, '
                             f'more than {MOST/1e6:.0f}')
    titles = {name: TITLES.get(name, name) for name in models}
    write_json(titles, out/'models'/'index.json')
    return out


def total_size(folder):
    "Bytes of all files in a folder."
    return sum(p.stat().st_size for p in folder.rglob('*') if p.is_file())


def main():
    parser = argparse.ArgumentParser(description=re.split('\n', __doc__)[0])
    parser.add_argument('-o', '--out', default=TOP/'_explore', help='folder to write')
    parser.add_argument('-m', '--model', action='append', metavar='NAME=FOLDER',
                        help='a model of your own, instead of those in the package')
    options = parser.parse_args()
    models = dict(m.split('=', 1) for m in options.model or [])
    out = build(options.out, models)
    print(f'{out}: {total_size(out)/1e6:.1f} MB; python -m http.server -d {out}')


if __name__ == '__main__':
    main()
