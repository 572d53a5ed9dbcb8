"""Architectures of decoder-only models, small and with random weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
import transformers
from transformers import AutoModelForCausalLM

WINDOW = 8
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
LATENT = {
    **{"n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32},
    **{"n_group": 1, "topk_group": 1, "first_k_dense_replace": 1, "num_key_value_heads": 4},
    **{"q_lora_rank": 16, "kv_lora_rank": 16, "v_head_dim": 16},
    **{"qk_rope_head_dim": 8, "qk_nope_head_dim": 8},
}
DELTA = {
    **{"linear_num_value_heads": 4, "linear_num_key_heads": 2},
    **{"linear_key_head_dim": 16, "linear_value_head_dim": 16},
}


@dataclass(frozen=True)
class Architecture:
    """One architecture: its configuration, and how options are laid out for it."""

    name: str
    config: str
    branches: bool = True
    fields: dict[str, Any] = field(default_factory=dict)

    def make(self, tokenizer: Any) -> Any:
        """Return a model of four small layers whose scores differ between tokens."""
        config = getattr(transformers, self.config)
        common = {
            **{"vocab_size": len(tokenizer), "hidden_size": 64, "intermediate_size": 96},
            **{"num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2},
            **{"max_position_embeddings": 2048, "initializer_range": 0.2},
            **{"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": tokenizer.eos_token_id},
        }
        fields = {**common, **self.fields}
        if "vision_config" in fields:
            fields = {"text_config": fields, "vision_config": fields.pop("vision_config")}
        torch.manual_seed(0)
        return AutoModelForCausalLM.from_config(config(**fields)).eval()


SIGHT = {
    **{"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2},
    **{"num_attention_heads": 2, "image_size": 28, "patch_size": 14},
}
HEAD = {"head_dim": 16}
SLIDING = {**HEAD, "sliding_window": WINDOW}
PER_LAYER = {"vocab_size_per_layer_input": 512, "hidden_size_per_layer_input": 16}
"""By default a table of 262,144 tokens, which is a gigabyte."""
ARCHITECTURES = [
    Architecture("Llama", "LlamaConfig"),
    Architecture("Qwen2", "Qwen2Config"),
    Architecture("Qwen3", "Qwen3Config", fields=HEAD),
    Architecture("Qwen3-MoE", "Qwen3MoeConfig", fields={**HEAD, **EXPERTS}),
    Architecture("Qwen3.5", "Qwen3_5TextConfig", False, {**HEAD, **DELTA}),
    Architecture(
        "Qwen3-Next",
        "Qwen3NextConfig",
        False,
        {**HEAD, **EXPERTS, **DELTA, "shared_expert_intermediate_size": 32},
    ),
    Architecture("Mistral", "MistralConfig", fields={"sliding_window": None}),
    Architecture("Mistral with a window", "MistralConfig", False, {"sliding_window": WINDOW}),
    Architecture("Mixtral", "MixtralConfig", fields={"num_local_experts": 4}),
    Architecture("Phi", "PhiConfig"),
    Architecture("Phi-3", "Phi3Config"),
    Architecture("Gemma", "GemmaConfig", fields=HEAD),
    Architecture("Gemma 2", "Gemma2Config", False, {**SLIDING, "query_pre_attn_scalar": 16}),
    Architecture("Gemma 3", "Gemma3TextConfig", False, {**SLIDING, "query_pre_attn_scalar": 16}),
    Architecture("Gemma 3 multimodal", "Gemma3Config", False, {**SLIDING, "vision_config": SIGHT}),
    Architecture("Gemma 4", "Gemma4TextConfig", False, {**SLIDING, **PER_LAYER}),
    Architecture("OLMo 2", "Olmo2Config"),
    Architecture("OLMo 3", "Olmo3Config", False, {"sliding_window": WINDOW}),
    Architecture("SmolLM3", "SmolLM3Config"),
    Architecture("StableLM", "StableLmConfig"),
    Architecture("GPT-NeoX", "GPTNeoXConfig"),
    Architecture("OPT", "OPTConfig", fields={"ffn_dim": 96, "word_embed_proj_dim": 64}),
    Architecture("Granite", "GraniteConfig", fields={"logits_scaling": 8.0}),
    Architecture(
        "Cohere 2", "Cohere2Config", False, {"sliding_window": WINDOW, "logit_scale": 0.25}
    ),
    Architecture("DeepSeek-V3", "DeepseekV3Config", fields=LATENT),
    Architecture(
        "gpt-oss",
        "GptOssConfig",
        False,
        {**SLIDING, "num_local_experts": 4, "num_experts_per_tok": 2},
    ),
    Architecture("LFM2", "Lfm2Config", False, {"full_attn_idxs": [1, 3]}),
    Architecture(
        "Mamba 2",
        "Mamba2Config",
        False,
        {"num_heads": 8, "head_dim": 16, "state_size": 16, "n_groups": 2, "chunk_size": 8},
    ),
    Architecture("GPT-2", "GPT2Config", fields={"n_positions": 2048, "n_embd": 64}),
    Architecture("Falcon", "FalconConfig", False, {"alibi": False}),
    Architecture("BLOOM", "BloomConfig", False, {"n_layer": 4, "n_head": 4}),
]
