"A model goes to the Hub and comes back: `huggingface_hub` talks to a small server on this machine."
import base64
import hashlib
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip('huggingface_hub', reason="pip install 'attngan[hub]'")
from attngan.hub import fingerprint  # noqa: E402
from attngan.inference import TextToImage, model_folder  # noqa: E402

CAPTION = 'a red bird with a black beak'
TOKEN = 'hf_ours'


class Store:
    "What the server holds, and what it was asked."
    def __init__(self):
        self.repos = {}       # {repository: {file: bytes}}
        self.sizes = {}       # {repository/file: bytes that the server claims}
        self.private = set()
        self.locked = set()   # repositories for which one has to apply
        self.requests = []
        self.revisions = {'main'}


class Handler(BaseHTTPRequestHandler):
    "The half-dozen requests of the Hub that one model leads to."
    store = None

    def log_message(self, *args):
        pass

    def reply(self, body, status=200, **headers):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(status)
        for key, value in dict(Content_Length=len(body), **headers).items():
            self.send_header(key.replace('_', '-'), str(value))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    def do_POST(self):
        data = self.rfile.read(int(self.headers['Content-Length']))
        self.store.requests.append(f'POST {self.path}')
        if self.headers['Authorization'] != f'Bearer {TOKEN}':
            return self.reply(dict(error='Invalid username or password.'), 401)
        if self.path == '/api/repos/create':
            return self.create(json.loads(data))
        if self.path == '/api/validate-yaml':
            return self.reply(dict(errors=[], warnings=[]))
        repo = '/'.join(self.path.split('/')[3:5])
        if 'preupload' in self.path:
            return self.preupload(json.loads(data))
        for line in map(json.loads, data.splitlines()):
            if line['key'] == 'file':
                content = base64.b64decode(line['value']['content'])
                self.store.repos[repo][line['value']['path']] = content
        commit = f"{self.address()}/{repo}/commit/{'0'*40}"
        self.reply(dict(commitUrl=commit, commitOid='0'*40))

    def address(self):
        return f"http://{self.headers['Host']}"

    def create(self, asked):
        repo = f"{asked.get('organization') or 'me'}/{asked['name']}"
        self.store.repos.setdefault(repo, {})
        if asked.get('private') or asked.get('visibility') == 'private':
            self.store.private.add(repo)
        self.reply(dict(url=f'{self.address()}/{repo}'))

    def preupload(self, asked):
        files = []
        for file in asked['files']:
            files.append(dict(path=file['path'], uploadMode='regular', shouldIgnore=False))
        self.reply(dict(files=files))

    def do_GET(self):
        self.store.requests.append(f'{self.command} {self.path}')
        path = self.path.split('?')[0].strip('/').split('/')
        api = path[0] == 'api'
        path = path[2:] if api else path           # user, model, …
        repo = '/'.join(path[:2])
        files = self.store.repos.get(repo)
        hidden = repo in self.store.private and self.headers['Authorization'] != f'Bearer {TOKEN}'
        if files is None or hidden:
            return self.reply(dict(error='Repository not found'), 404, X_Error_Code='RepoNotFound')
        if 'revision' in path and path[path.index('revision') + 1] not in self.store.revisions:
            return self.reply(dict(error='Invalid rev id'), 404, X_Error_Code='RevisionNotFound')
        if not api and repo in self.store.locked:
            return self.reply(dict(error='Access is restricted'), 403, X_Error_Code='GatedRepo')
        if not api:
            content = files[path[-1]]
            tag = hashlib.sha256(content).hexdigest()
            return self.reply(content, ETag=f'"{tag}"', X_Repo_Commit='0'*40)
        if 'tree' in path:
            return self.reply([dict(type='file', path=name, size=self.size(repo, name),
                                    oid=hashlib.sha1(content).hexdigest())
                               for name, content in files.items()])
        siblings = [dict(rfilename=name, size=self.size(repo, name)) for name in files]
        self.reply(dict(id=repo, sha='0'*40, siblings=siblings))

    do_HEAD = do_GET

    def size(self, repo, name):
        return self.store.sizes.get(f'{repo}/{name}', len(self.store.repos[repo][name]))


def forget_huggingface_hub():
    "It reads the environment when it is imported."
    for name in [k for k in sys.modules if k.split('.')[0] == 'huggingface_hub']:
        del sys.modules[name]


@pytest.fixture
def hub(monkeypatch, tmp_path):
    handler = type('HandlerOfOneTest', (Handler,), dict(store=Store()))
    server = ThreadingHTTPServer(('127.0.0.1', 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f'http://127.0.0.1:{server.server_port}'
    settings = dict(HF_ENDPOINT=address, HF_HOME=str(tmp_path/'hf'), HF_TOKEN=TOKEN,
                    HF_HUB_DISABLE_PROGRESS_BARS='1', HF_HUB_DISABLE_TELEMETRY='1',
                    no_proxy='127.0.0.1', NO_PROXY='127.0.0.1')
    for key, value in settings.items():
        monkeypatch.setenv(key, value)
    before = {k: v for k, v in sys.modules.items() if k.split('.')[0] == 'huggingface_hub'}
    forget_huggingface_hub()
    handler.store.close = lambda: (server.shutdown(), server.server_close())
    handler.store.address = settings['HF_ENDPOINT']
    handler.store.cache = tmp_path/'hf'
    yield handler.store
    handler.store.close()
    forget_huggingface_hub()
    sys.modules.update(before)


@pytest.fixture(scope='module')
def model():
    return TextToImage.from_pretrained('paperbirds')


def same(a, b):
    return np.array_equal(np.asarray(a), np.asarray(b))


def fetched(hub):
    return {r.split('/')[-1] for r in hub.requests if 'resolve' in r}


def test_there_and_back(hub, model):
    address = model.push_to_hub('me/birds')
    assert address == f'{hub.address}/me/birds'
    assert set(hub.repos['me/birds']) == {'README.md', 'config.json', 'model.safetensors'}
    card = hub.repos['me/birds']['README.md'].decode()
    assert 'license: apache-2.0' in card and 'Not measured.' in card and 'private' not in card
    hub.repos['me/birds']['trainer.pkl'] = b'cos\nsystem\n(S"echo oops"\ntR.'
    hub.requests.clear()
    back = TextToImage.from_pretrained('me/birds', revision='main')
    assert same(back(CAPTION, seed=0).images[0], model(CAPTION, seed=0).images[0])
    assert fetched(hub) == {'config.json', 'model.safetensors'}          # nothing else was fetched
    assert not list(Path(hub.cache).rglob('*.pkl'))


def evaluation_of(model, path):
    "The shipped evaluation, as if these weights had been measured."
    entries = json.loads((model_folder('paperbirds')/'evaluation.json').read_text())
    entries['weights'] = fingerprint(model)
    for kind, by in entries['r_precision'].items():
        entries['r_precision'][kind]['held_out'] = by.get('held_out', by.get('judge'))
    path.write_text(json.dumps(entries))
    return path


def test_the_card_has_the_numbers_of_these_weights_only(hub, model, tmp_path):
    evaluation = evaluation_of(model, tmp_path/'evaluation.json')
    model.push_to_hub('me/measured', evaluation=evaluation)
    assert 'FID' in hub.repos['me/measured']['README.md'].decode()
    other = TextToImage(model.vocab, model.text, model.generator_config)
    with pytest.raises(ValueError, match='measured with other weights'):
        other.push_to_hub('me/other', evaluation=evaluation)
    assert 'me/other' not in hub.repos
    entries = json.loads(evaluation.read_text())
    for text in ('oops', '{}', '3', json.dumps(dict(weights=entries['weights']))):
        file = tmp_path/'wrong.json'
        file.write_text(text)
        with pytest.raises(ValueError, match='wrong.json'):
            model.push_to_hub('me/other', evaluation=file)


def test_private_and_token(hub, model, monkeypatch):
    monkeypatch.delenv('HF_TOKEN')
    forget_huggingface_hub()
    with pytest.raises(PermissionError, match='hf auth login'):
        model.push_to_hub('me/secret')
    model.push_to_hub('me/secret', private=True, token=TOKEN)
    assert hub.private == {'me/secret'}
    with pytest.raises(FileNotFoundError, match='knows no such repository'):
        TextToImage.from_pretrained('me/secret')
    back = TextToImage.from_pretrained('me/secret', token=TOKEN)
    assert same(back(CAPTION, seed=1).images[0], model(CAPTION, seed=1).images[0])


def test_a_revision(hub, model):
    model.push_to_hub('me/birds')
    with pytest.raises(FileNotFoundError, match="no branch, tag or commit 'v9'"):
        TextToImage.from_pretrained('me/birds', revision='v9')


def test_what_is_no_model_is_not_fetched(hub, model):
    model.push_to_hub('me/birds')
    good = hub.repos['me/birds']
    hub.repos['me/bert'] = {'config.json': b'{"hidden_size": 768}', 'pytorch_model.bin': b'x'}
    hub.repos['me/large'] = dict(good)
    hub.sizes['me/large/model.safetensors'] = 3 * 10**9
    hub.requests.clear()
    with pytest.raises(FileNotFoundError, match='knows no such repository'):
        TextToImage.from_pretrained('me/nothing')
    with pytest.raises(ValueError, match='it has no model.safetensors'):
        TextToImage.from_pretrained('me/bert')
    with pytest.raises(ValueError, match='3000 MB, more than 2000'):
        TextToImage.from_pretrained('me/large')
    assert not fetched(hub)
    hub.repos['me/other'] = good | {'config.json': b'{"model_type": "bert"}'}
    hub.repos['me/half'] = good | {'model.safetensors': good['model.safetensors'][:9999]}
    with pytest.raises(ValueError, match='config.json'):
        TextToImage.from_pretrained('me/other')
    with pytest.raises(ValueError, match='model.safetensors'):
        TextToImage.from_pretrained('me/half')
    hub.repos['me/locked'] = good
    hub.locked.add('me/locked')
    with pytest.raises(FileNotFoundError, match='does not give it'):
        TextToImage.from_pretrained('me/locked')


def test_a_failed_evaluation_sends_nothing(hub, model):
    with pytest.raises(FileNotFoundError):
        model.push_to_hub('me/new', evaluation='nowhere.json')
    assert not hub.repos


def test_without_a_network(hub, model):
    model.push_to_hub('me/birds')
    want = TextToImage.from_pretrained('me/birds')(CAPTION, seed=0).images[0]
    hub.close()
    assert same(TextToImage.from_pretrained('me/birds')(CAPTION, seed=0).images[0], want)
    with pytest.raises(FileNotFoundError):
        TextToImage.from_pretrained('me/never')
    with pytest.raises(ConnectionError):
        model.push_to_hub('me/birds')


def test_without_huggingface_hub(model, monkeypatch):
    monkeypatch.setitem(sys.modules, 'huggingface_hub', None)
    with pytest.raises(FileNotFoundError, match=r'attngan\[hub\]'):
        TextToImage.from_pretrained('me/birds')
    with pytest.raises(ModuleNotFoundError, match=r'attngan\[hub\]'):
        model.push_to_hub('me/birds')
    TextToImage.from_pretrained('paperbirds')                # what is on the disk needs no Hub


# a folder from somebody else

GUESTS = (dict(text=dict(dim=10**9)), dict(text=dict(max_words=10**9)),
          dict(text=dict(emb_sz=True)), dict(text=dict(stop_words='the')),
          dict(text=dict(cell='rnn')),
          dict(generator=dict(hidden=[32]*10**5)), dict(generator=dict(n_res=9999)),
          dict(generator=dict(stages=40)), dict(generator=dict(base=1000)),
          dict(generator=dict(cond=-1)), dict(generator=dict(heads='none')),
          dict(generator=dict(command='rm')), dict(generator=dict(type='System')),
          dict(generator=dict(noise=float('nan'))))


@pytest.mark.parametrize('change', GUESTS, ids=lambda change: str(change)[:60])
def test_a_configuration_that_wants_too_much_is_refused(model, tmp_path, change):
    model.save_pretrained(tmp_path)
    config = json.loads((tmp_path/'config.json').read_text())
    for part, entries in change.items():
        config[part] |= entries
    (tmp_path/'config.json').write_text(json.dumps(config))
    with pytest.raises(ValueError, match='config.json') as refused:
        TextToImage.from_pretrained(tmp_path)
    assert str(tmp_path) in str(refused.value)


NO_CONFIGURATIONS = ('3', '{}', '[]', '{"format": 1}', '{"format": 2}', '['*10**5, 'oops')


@pytest.mark.parametrize('text', NO_CONFIGURATIONS, ids=lambda text: text[:20])
def test_a_file_that_is_no_configuration(model, tmp_path, text):
    model.save_pretrained(tmp_path)
    (tmp_path/'config.json').write_text(text)
    with pytest.raises(ValueError, match='config.json'):
        TextToImage.from_pretrained(tmp_path)


def test_an_older_or_newer_format_says_so(model, tmp_path):
    model.save_pretrained(tmp_path)
    config = json.loads((tmp_path/'config.json').read_text())
    for change, message in (({'format': 2}, 'reads format 1'), ({'more': 1}, '"more" is unknown')):
        (tmp_path/'config.json').write_text(json.dumps(config | change))
        with pytest.raises(ValueError, match=message):
            TextToImage.from_pretrained(tmp_path)
    del config['vocab']
    (tmp_path/'config.json').write_text(json.dumps(config))
    with pytest.raises(ValueError, match='"vocab" is missing'):
        TextToImage.from_pretrained(tmp_path)


def test_weights_of_another_shape_cost_no_memory(model, tmp_path):
    model.save_pretrained(tmp_path)
    config = json.loads((tmp_path/'config.json').read_text())
    config['text']['emb_sz'] += 1
    (tmp_path/'config.json').write_text(json.dumps(config))
    with pytest.raises(ValueError, match='model.safetensors.*embed.weight.*expected'):
        TextToImage.from_pretrained(tmp_path)


def test_damaged_weights(model, tmp_path):
    model.save_pretrained(tmp_path)
    file = tmp_path/'model.safetensors'
    good = file.read_bytes()
    for bad in (b'', b'half a', b'\xff'*100, good[:-4], good + b'1234',
                (2 * 10**7).to_bytes(8, 'little') + good[8:]):
        file.write_bytes(bad)
        with pytest.raises(ValueError, match='model.safetensors'):
            TextToImage.from_pretrained(tmp_path)


def test_a_save_that_fails_leaves_the_old_model(model, tmp_path, monkeypatch):
    model.save_pretrained(tmp_path)
    before = {f.name: f.read_bytes() for f in tmp_path.iterdir()}
    other = TextToImage(model.vocab, model.text, model.generator_config)
    torch.nn.init.zeros_(other.text_encoder.embed.weight)

    def full(*_):
        raise OSError('the disk is full')

    monkeypatch.setattr(os, 'replace', full)
    with pytest.raises(OSError, match='disk is full'):
        other.save_pretrained(tmp_path)
    assert {f.name: f.read_bytes() for f in tmp_path.iterdir()} == before
