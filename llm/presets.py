"""What is known of providers by name, so that a route file only has to say `preset: deepseek`."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

JsonReplies = Literal["schema", "object", "none"]


class Preset(Struct, frozen=True):
    """`system`: OpenTelemetry's name of the provider (gen_ai.provider.name). `max_tokens_field`: how the request
    spells the limit. `json`: the strictest JSON mode it has. `key_header`: where the key goes; a bearer token if
    empty. `usage`: it accepts stream_options.include_usage."""

    system: str
    base_url: str = ""
    key_env: str = ""
    max_tokens_field: str = "max_tokens"
    json: JsonReplies = "object"
    key_header: str = ""
    usage: bool = True


# From the providers' own API references.
PRESETS = {
    "openai": Preset(
        "openai", "https://api.openai.com/v1", "OPENAI_API_KEY", max_tokens_field="max_completion_tokens", json="schema"
    ),
    # The base_url names the resource: https://<resource>.openai.azure.com
    "azure": Preset(
        "azure.ai.openai",
        key_env="AZURE_OPENAI_API_KEY",
        max_tokens_field="max_completion_tokens",
        json="schema",
        key_header="api-key",
    ),
    "deepseek": Preset("deepseek", "https://api.deepseek.com", "DEEPSEEK_API_KEY"),
    "qwen": Preset("alibaba_cloud", "https://dashscope.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY"),
    "zhipu": Preset("zhipu_ai", "https://open.bigmodel.cn/api/paas/v4", "ZHIPUAI_API_KEY"),
    "moonshot": Preset("moonshot_ai", "https://api.moonshot.cn/v1", "MOONSHOT_API_KEY"),
    "vllm": Preset("vllm", "http://127.0.0.1:8000/v1", json="schema"),
    "ollama": Preset("ollama", "http://127.0.0.1:11434/v1", json="schema"),
    "ray-serve-llm": Preset("ray_serve_llm", "http://127.0.0.1:8000/v1", json="schema"),
}

# Any other server that speaks OpenAI's protocol.
COMPATIBLE = Preset("openai_compatible")
