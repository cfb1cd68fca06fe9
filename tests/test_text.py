"""Words in twenty scripts, the released code's words, and pickles that are damaged or hostile.

With `ATTNGAN_REAL` set to a folder that holds `cub`, every caption of CUB gets the authors' ids.
"""
import io
import json
import os
import pickle
import re
import unicodedata
import warnings
from pathlib import Path

import numpy as np
import pytest
import regex
from nltk.tokenize import RegexpTokenizer

from attngan.serialization import load_pickle
from attngan.text import (
    RELEASED_PATTERN,
    SPACE_PATTERN,
    WORD_PATTERN,
    CaptionError,
    Vocab,
    tokenize,
)

# "A red bird (with) black wings!" or something like it; the bars show where the words end.
SCRIPTS = {
    'English': 'a|red|bird|with|black|wings',
    'French': 'un|oiseau|à|la|tête|dorée',
    'Turkish': 'İstanbul|kuşu|ığdır',
    'Vietnamese': 'con|chim|đỏ|nhỏ|có|mỏ|dài',
    'Greek': 'ένα|κόκκινο|πουλί|με|μαύρα|φτερά',
    'Russian': 'маленькая|красная|птица|ёж',
    'Ukrainian': 'червоний|птах|їжак',
    'Armenian': 'կարմիր|թռչուն',
    'Georgian': 'წითელი|ჩიტი',
    'Hebrew': 'צִפּוֹר|אֲדֻמָּה|ציפור',
    'Arabic': 'طَائِرٌ|أَحْمَرُ|طائر',
    'Persian': 'پرنده|قرمز|می\u200cپرد',
    'Hindi': 'लाल|चिड़िया|क्\u200dष',
    'Bengali': 'লাল|পাখি|ছোট্ট',
    'Tamil': 'சிவப்பு|பறவை',
    'Telugu': 'ఎర్ర|పక్షి',
    'Malayalam': 'ചുവന്ന|പക്ഷി',
    'Sinhala': 'රතු|කුරුල්ලා|ක්\u200dර',
    'Thai': 'นก|สีแดง|ตัวเล็ก',
    'Khmer': 'បក្សី|ក្រហម',
    'Burmese': 'ငှက်|အနီ',
    'Tibetan': 'བྱ|དམར',
    'Amharic': 'ቀይ|ወፍ',
    'Korean': '빨간|새|작은',
    'Chinese': '红|色|的|鸟',
    'Japanese': '赤|い|ト|リ|佐|々|木',
}


def lines_of_the_example():
    "The lines of the ONNX example (chapter a8_onnx) that split a caption into words."
    path = Path(__file__).parent.parent/'nbs'/'a8_onnx.ipynb'
    cells = [''.join(cell['source']) for cell in json.loads(path.read_text('utf-8'))['cells']]
    example = next(cell for cell in cells if cell.startswith('twenty = '))
    start = example.index('text = caption')
    return example[start:example.index('words = [w for w in words if w in ids')]


EXAMPLE = lines_of_the_example()


def words_of_the_example(caption, **facts):
    scope = dict(caption=caption, m=facts, re=re, unicodedata=unicodedata)
    exec(EXAMPLE, scope)
    return scope['words']


def normal(word):
    return unicodedata.normalize('NFC', word).lower()


@pytest.mark.parametrize('language', SCRIPTS)
def test_script(language):
    wanted = [normal(word) for word in SCRIPTS[language].split('|')]
    joined = '' if language in ('Chinese', 'Japanese') else ' '
    for end in ('', '!', ' 🐦', ' ❤️', '\u200b', '\ufffd\ufffd', ' "', '。'):
        caption = joined.join(SCRIPTS[language].split('|')) + end
        assert tokenize(caption) == wanted
        assert words_of_the_example(caption, ascii_only=False, pattern=WORD_PATTERN) == wanted
        prepared = normal(caption)
        assert re.findall(WORD_PATTERN, prepared) == wanted
        assert regex.findall(WORD_PATTERN, prepared) == wanted
        assert RegexpTokenizer(WORD_PATTERN).tokenize(prepared) == wanted
    vocab = Vocab.from_captions([caption])
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        again = Vocab.from_dict(vocab.to_dict())
        assert again.encode(caption)[1] == len(wanted)
        assert all(again.encode(word)[1] == 1 for word in wanted)


def test_letters_and_signs():
    "In all modern scripts, letters, digits and marks are in words; spaces and signs are not."
    for number in range(0x20, 0x10000):
        character = chr(number)
        category = unicodedata.ucd_3_2_0.category(character)  # the same in every Python
        if category in ('Cn', 'Cs') or category != unicodedata.category(character):
            continue
        selector = 0xfe00 <= number <= 0xfe0f or 0x20d0 <= number <= 0x20ff
        is_word = (category[0] in 'LMN' or character == '_') and not selector
        for engine in (re, regex):
            assert bool(engine.fullmatch(WORD_PATTERN, character)) == is_word, hex(number)
            if category[0] != 'M':
                found = bool(engine.fullmatch(RELEASED_PATTERN, character))
                assert found == is_word == bool(re.fullmatch(r'\w', character)), hex(number)


def test_nothing_that_is_no_word():
    for caption in ('', ' \t\n', '🐦🎨 … !!! \x00', '👩\u200d🌾', '❤️', '\u200c', '\ufeff・', '।'):
        assert tokenize(caption) == []
        with pytest.raises(CaptionError, match='has no words'):
            Vocab(['a']).encode(caption)


def test_released_words():
    "The authors' two lines, on captions of all kinds."
    def theirs(caption):
        words = re.findall(r'\w+', caption.replace('\ufffd\ufffd', ' ').lower())
        words = [word.encode('ascii', 'ignore').decode('ascii') for word in words]
        return [word for word in words if word]

    for caption in ("this bird's beak isn't long, it's 2½ cm", 'naïve café cafe\u0301s co\u0308op',
                    'a\ufffd\ufffdblue bird', 'the_bird — “small”', 'İstanbul', '红bird色',
                    'x\xadyz', *[text.replace('|', ' ') for text in SCRIPTS.values()]):
        assert tokenize(caption, ascii_only=True) == theirs(caption)
        words = words_of_the_example(caption, ascii_only=True, pattern=RELEASED_PATTERN)
        assert [word for word in words if word] == theirs(caption)  # '' is in no vocabulary


@pytest.mark.skipif('ATTNGAN_REAL' not in os.environ, reason='CUB is not here')
def test_ids_of_cub():
    folder = Path(os.environ['ATTNGAN_REAL'])/'cub'
    data = load_pickle(folder/'captions.pickle')
    vocab = Vocab.from_pickle(folder/'captions.pickle')
    assert vocab.ascii_only and len(vocab) == 5450
    for split, wanted in zip(('train', 'test'), data, strict=False):
        ids = []
        for name in load_pickle(folder/split/'filenames.pickle'):
            lines = (folder/'text'/f'{name}.txt').read_text('utf-8').split('\n')
            lines = [line for line in lines if vocab.tokenize(line)][:10]
            ids += [vocab.encode(line)[0].tolist() for line in lines]
        assert ids == wanted


# ---- patterns and vocabularies from files

def test_words_cut_by_spaces(tmp_path):
    vocab = Vocab.from_captions(['红色 的 鸟', "don't stop"], pattern=SPACE_PATTERN)
    assert vocab.words[1:] == sorted(["don't", 'stop', '红色', '的', '鸟'])
    vocab.to_json(tmp_path/'vocab.json')
    assert Vocab.from_json(tmp_path/'vocab.json').encode('红色 鸟')[1] == 2
    assert regex.findall(SPACE_PATTERN, '红色 的\u3000鸟') == ['红色', '的', '鸟']
    for words, rule in ((['红色', '的', '鸟'], SPACE_PATTERN), (['tête', 'oiseau'], WORD_PATTERN),
                        (['red', 'bird'], RELEASED_PATTERN)):
        by_id = dict(enumerate(['<end>', *words]))
        by_word = {word: i for i, word in by_id.items()}
        (tmp_path/'captions.pickle').write_bytes(pickle.dumps([[], [], by_id, by_word], 2))
        vocab = Vocab.from_pickle(tmp_path/'captions.pickle')
        assert vocab.pattern == rule
        assert vocab.encode(' '.join(words))[0].tolist() == list(range(1, len(words) + 1))


@pytest.mark.parametrize('pattern', [
    '(a+)+b', '(a|a)*b', r'\w*', r'\w+\w+b', '(?:a+)+', '[', '[z-a]+', r'[\u12]+', 'a', r'\w+$',
    '', 3, 'x'*20_000, r'[\Uffffffff]'])
def test_slow_or_broken_patterns_are_refused(pattern):
    with pytest.raises(ValueError, match='pattern'):
        Vocab.from_dict(dict(words=['a'], pattern=pattern))


@pytest.mark.parametrize('pattern', [
    r'\w+', r'\S+', r'[a-z]+', r'[^\s,]+', r"\w+(?:['-]\w+)*", r'[\u4e00-\u9fff]|\w+',
    WORD_PATTERN, SPACE_PATTERN])
def test_usual_patterns_are_taken(pattern):
    assert Vocab.from_dict(dict(words=['a'], pattern=pattern)).encode('a ' * 1000)[1] == 1000


# ---- pickles

PLAIN = [['001.Albatross/one', 'naïve'], (1, -2, 10**20), {'a': 3}, np.int64(7),
         np.arange(6, dtype='>i2').reshape(2, 3), np.asfortranarray([[1, 2], [3, 4]], dtype='u1')]
WANTED = PLAIN[:3] + [7, [[0, 1, 2], [3, 4, 5]], [[1, 2], [3, 4]]]
PYTHON_2 = (  # written by Python 2 and numpy 1
    b"(lp0\ncnumpy.core.multiarray\nscalar\np1\n(cnumpy\ndtype\np2\n(S'i8'\np3\nI0\nI1\ntp4\nRp5\n"
    b"(I3\nS'<'\np6\nNNNI-1\nI-1\nI0\ntp7\nbS'\\x80\\x01\\x00\\x00\\x00\\x00\\x00\\x00'\np8\ntp9\n"
    b"Rp10\naS'caf\\xe9'\np11\na.")


def read(folder, data):
    path = folder/'captions.pickle'
    path.write_bytes(data)
    return load_pickle(path)


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_of_all_protocols(tmp_path, protocol):
    assert read(tmp_path, pickle.dumps(PLAIN, protocol)) == WANTED
    many = dict(enumerate(map(str, range(5000))))
    assert read(tmp_path, pickle.dumps([many, list(many)], protocol)) == [many, list(many)]
    for kind in ('i1', 'u2', 'i4', '>u8'):
        numbers = np.arange(100).astype(kind)
        wanted = [numbers.tolist(), numbers[3].item()]
        assert read(tmp_path, pickle.dumps([numbers, numbers[3]], protocol)) == wanted
    assert read(tmp_path, pickle.dumps(np.zeros(0, 'i8'), protocol)) == []


def test_pickle_of_python_2(tmp_path):
    assert read(tmp_path, PYTHON_2) == [384, 'café']


@pytest.mark.parametrize('data', [pickle.dumps(['a/b', 'c\nd', 'é', 3], 0), PYTHON_2,
                                  b"(lp0\nVone\np1\naS'two'\np2\na."])
def test_changed_line_ends_are_mended(tmp_path, data):
    changed = data.replace(b'\n', b'\r\n')
    with pytest.warns(UserWarning, match='captions.pickle: its line ends were changed'):
        assert read(tmp_path, changed) == read(tmp_path, data)


def test_changed_line_ends_of_a_binary_pickle(tmp_path):
    changed = pickle.dumps([10, 'some\nlines\n', list(range(300))], 2).replace(b'\n', b'\r\n')
    with pytest.raises(ValueError, match='line ends were changed.*fetch it again as binary'):
        read(tmp_path, changed)
    lines = ['a\r\n', 'b\r\n']  # an honest file
    assert read(tmp_path, pickle.dumps(lines, 4)) == lines


class Canary:
    "Unpickled by Python's own loader, it creates a file."

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (Path(self.path),)


def test_nothing_is_run(tmp_path):
    canary = pickle.dumps(Canary(tmp_path/'alive'))
    with pytest.raises(ValueError, match='captions.pickle.*refused to load'):
        read(tmp_path, canary)
    assert not (tmp_path/'alive').exists()
    pickle.loads(canary)  # it would have
    assert (tmp_path/'alive').exists()


@pytest.mark.parametrize('data', [
    pickle.dumps(np.array([.5])), pickle.dumps(np.array([None])), pickle.dumps(1.5),
    pickle.dumps({1, 2}), pickle.dumps({(1, 2): 3}), pickle.dumps({None: 3}), pickle.dumps(len),
    b'cnumpy\nndarray\n.', b'](cnumpy\nndarray\ne.', b"]cnumpy\ndtype\n(S'i8'\ntRa.",
    b"cnumpy\ndtype\n(S'i8'\ntR.", b'cos\nsystem\n(S"touch bad"\ntR.', b'', b'.', b'GIF89a', b'a.'])
def test_other_things_are_refused(tmp_path, data):
    with pytest.raises(ValueError, match='captions.pickle: not a pickle of plain'):
        read(tmp_path, data)


@pytest.mark.parametrize('protocol', [0, 2, 5])
def test_one_bit_turned_over(tmp_path, protocol):
    "A damaged file is read as something plain, or refused with its name."
    good = pickle.dumps(PLAIN, protocol)
    outcomes = set()
    for i in range(len(good)):
        damaged = bytearray(good)
        damaged[i] ^= 1 << i*5 % 8
        try:
            read(tmp_path, bytes(damaged))
            outcomes.add('read')
        except ValueError as error:
            assert str(tmp_path/'captions.pickle') in str(error)
            outcomes.add('refused')
    assert outcomes == {'read', 'refused'}


def text(n):
    return b'X' + n.to_bytes(4, 'little') + b'a'*n


def array(shape, data, decode=b'cnumpy.core.numeric\n_frombuffer\n'):
    "A pickle, all but its last byte, of an array of bytes."
    kind = b'cnumpy\ndtype\n(U\x02u1tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb'
    return decode + b'(' + data + kind + pickle.dumps(shape, 2)[2:-1] + b'U\x01CtR'


AGAIN = (b'](cnumpy.core.numeric\n_frombuffer\nq\1' + array((10**5,), text(10**5), b'')[:-1]
         + b'q\2R')
FLOODS = dict(
    lists=b']'*4_100_000,
    marks=b'('*4_100_000,
    memos=b'N' + pickle.MEMOIZE*4_100_000,
    words=b'U\2ab'*4_100_000,
    sets=b'\x8f'*100,
    nothings=array((10**9, 0), text(0)) + b'.',
    deep=array((1000,) + (1,)*50, text(1000)) + b'.',
    decoded_again=AGAIN + b'h\1h\2R'*1000 + b'e.',
    hashes=b'}N\x85' + b'2\x86'*60 + b'Ns.',                # a key of 2⁶⁰ parts
    hashes_by_memo=b'}N\x85' + b'q\0h\0\x86'*60 + b'Ns.',
    deep_key=b'}N' + b'\x85'*10**6 + b'Ns.',
    long_string=b'\x8d' + b'\xff'*7 + b'\x7f',
    long_bytes=b'\x96' + b'\xff'*7 + b'\x7f')


@pytest.mark.parametrize('name', FLOODS)
def test_small_files_that_ask_for_much(tmp_path, name):
    with pytest.raises(ValueError, match='captions.pickle'):
        read(tmp_path, FLOODS[name])


def test_a_far_place_in_the_memo(tmp_path):
    "Seven bytes for which Python's own unpickler allocates gigabytes."
    assert read(tmp_path, b'Nr\xff\xff\xff\x7f.') is None
    assert read(tmp_path, array((2, 2), text(4)) + b'.') == [[97, 97], [97, 97]]


def test_larger_than_such_a_file_can_be(tmp_path):
    path = tmp_path/'captions.pickle'
    path.write_bytes(bytes(2*10**6))
    with pytest.raises(ValueError, match='more than 1 MB'):
        load_pickle(path, most=1)


def test_vocabulary_from_a_wrong_pickle(tmp_path):
    path = tmp_path/'captions.pickle'
    for data, message in [([1, 2], 'expected .train ids'), ([[], [], {}, {}], 'ids must be'),
                          ([[], [], {0: '<end>', 1: 'a', 2: 'a'}, {}], r"one id: \['a'\]"),
                          ([[], [], {0: '<end>', 1: 3}, {}], 'must be strings, not int')]:
        file = io.BytesIO()
        pickle.dump(data, file)
        path.write_bytes(file.getvalue())
        with pytest.raises(ValueError, match=message):
            Vocab.from_pickle(path)


def test_the_end_is_no_word_of_a_caption():
    vocab = Vocab(['red', 'bird'], pattern=SPACE_PATTERN)
    ids, length = vocab.encode('red <end> bird')
    assert ids.tolist() == [1, 2] and length == 2
    assert Vocab.from_captions(['red <end> bird'], pattern=SPACE_PATTERN).words[0] == '<end>'
