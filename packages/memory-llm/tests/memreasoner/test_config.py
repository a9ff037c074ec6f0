"""Settings out of range are refused in one sentence, and a config survives a file."""

import pytest

from memory_llm.memreasoner.config import MemReasonerConfig


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temporal": "lstm"}, "`temporal` must be one of bigru, gru, rope, learned, none, got 'lstm'"),
        ({"memory": "graph"}, "`memory` must be one of slots, kanerva"),
        ({"readout": "mean"}, "`readout` must be one of hard, soft, topk"),
        ({"addressing": "max"}, "`addressing` must be one of softmax, entmax"),
        ({"num_hops": 0}, "`num_hops` must be at least 1, got 0"),
        ({"max_hops": 0}, "`max_hops` must be at least 1 or None, got 0"),
        ({"addressing_temperature": 0.0}, "`addressing_temperature` must be positive, got 0.0"),
        ({"sf_weight": -1.0}, "`sf_weight` must not be negative, got -1.0"),
        ({"latent_size": 7}, "`latent_size` must be even for `temporal='bigru'`, got 7"),
        ({"query_gated": True, "temporal": "rope"}, "`query_gated` needs a recurrent net"),
        ({"share_embeddings": True}, "`share_embeddings` needs parts of one vocabulary and width"),
        ({"max_line_tokens": 1}, "`max_line_tokens` must be at least 2, got 1"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        MemReasonerConfig(**settings)


def test_a_config_survives_a_file(tmp_path):
    config = MemReasonerConfig(
        {"model_type": "bert", "hidden_size": 12, "num_attention_heads": 2}, num_hops=2, max_hops=5
    )
    config.save_pretrained(tmp_path)
    again = MemReasonerConfig.from_pretrained(tmp_path)
    assert again.to_dict() == config.to_dict()
    assert again.encoder.model_type == "bert"
    assert again.latent_size == 12
