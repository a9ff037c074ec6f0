"""Long texts are read segment by segment; what moves to the decoder does not grow with them."""

import pytest
import torch

from memory_llm.haystack import segment
from memory_llm.larimar.reader import LongContextReader, _places
from memory_llm.larimar.segment_store import SegmentStore

TEXT = "the quick brown fox jumps over the dog. Roses are red. The weather is lovely today. Numbers such as 0 1 2. " * 3


@pytest.mark.parametrize("on_disk", [False, True])
def test_store_finds_what_a_full_comparison_finds(tmp_path, on_disk):
    keys = torch.nn.functional.normalize(torch.randn(50, 8, generator=torch.Generator().manual_seed(0)), dim=-1)
    store = SegmentStore(8, folder=tmp_path if on_disk else None)
    spans = [(row, row + 1) for row in range(50)]
    store.fill("x" * 51, [(keys[:30], spans[:30]), (keys[30:], spans[30:])])
    best = (keys @ keys[7]).topk(4)
    found = store.nearest(keys[7], 4)
    assert [number for number, _ in found] == best.indices.tolist()
    assert store.span(42) == (42, 43)
    assert store.key_bytes == 50 * 8 * 4
    if on_disk:
        again = SegmentStore.load(tmp_path)
        assert again.nearest(keys[7], 4) == found
        assert again.text(3, 6) == "xxx"
        (tmp_path / "store.json").unlink()
        with pytest.raises(FileNotFoundError, match="no whole segment store"):
            SegmentStore.load(tmp_path)


def test_blocks_give_the_same_as_one_piece(monkeypatch):
    keys = torch.randn(40, 4, generator=torch.Generator().manual_seed(1))
    store = SegmentStore(4)
    store.fill("", [(keys, [(0, 0)] * 40)])
    whole = store.nearest(keys[3], 5)
    monkeypatch.setattr("memory_llm.larimar.segment_store.BLOCK", 7)
    assert [number for number, _ in store.nearest(keys[3], 5)] == [number for number, _ in whole]


def test_passages_are_the_nearest_segments(larimar):
    reader = LongContextReader(larimar, segment_tokens=16, top_k=2)
    reader.ingest(TEXT)
    pieces = [piece.text for piece in segment(TEXT, larimar.encoder_tokenizer, max_tokens=16)]
    assert reader.store.count == len(pieces)
    assert reader.passages(pieces[1])[0] == (pieces[1], pytest.approx(1.0, abs=1e-4))


def test_latent_holds_what_follows_the_cue(larimar):
    reader = LongContextReader(larimar, segment_tokens=24)
    reader.ingest("Roses are red. The fox is quick. Numbers such as 0 1 2.")
    (latent, *_) = reader._latents("what is the fox?", "The fox is", 8)
    following = larimar.tokenizer(" quick.", add_special_tokens=False)["input_ids"]
    expected = larimar.model.get_input_embeddings().weight[following[:3]]
    assert torch.equal(latent[16:].view(4, -1)[: min(len(following), 3)], expected)
    assert torch.count_nonzero(latent[16:].view(4, -1)[3]) == 0


def test_bytes_moved_do_not_grow_with_the_text(larimar):
    reader = LongContextReader(larimar, segment_tokens=16)
    moved = []
    for times in (1, 20):
        reader.ingest(TEXT * times)
        reader.ask("what is lovely?", "The weather is", max_new_tokens=4)
        moved.append(reader.bytes_moved)
    assert moved[0] == moved[1] == larimar.model.config.value_size * 4


def test_text_on_disk_serves_a_later_process(larimar, tmp_path, make_larimar):
    reader = LongContextReader(larimar, segment_tokens=16, folder=tmp_path)
    reader.ingest(TEXT)
    later = LongContextReader(larimar, segment_tokens=16)
    later.resume(tmp_path)
    question = ("what is lovely?", "The weather is")
    assert later.ask(*question, max_new_tokens=4) == reader.ask(*question, max_new_tokens=4)
    with pytest.raises(ValueError, match="was filled by encoder"):
        LongContextReader(make_larimar("qwen")).resume(tmp_path)


def test_places_are_all_word_ends_of_a_sentence_with_as_many_words_before_as_asked():
    text = "Ann is here. Bob left."
    assert _places(text, 9) == [("Ann", "is here."), ("Ann is", "here."), ("Bob", "left.")]
    assert _places("Ann\n is\nhere.", 9) == [("Ann", "is here."), ("Ann is", "here.")]
    assert _places(text, 1) == [("Ann", "is here."), ("is", "here."), ("Bob", "left.")]
