"""The models on offer: Together's names, the limits and prices its catalogue gives them."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Model:
    """One row of the catalogue; prices are US dollars per million tokens."""

    id: str
    display_name: str
    context_length: int
    input_price: float
    output_price: float
    type: str = "chat"
    vision: bool = False

    @property
    def reasons(self) -> bool:
        """Whether it thinks before it answers; told by the name, as with the real ones."""
        return "Thinking" in self.id or "R1" in self.id

    def as_listed(self) -> dict[str, Any]:
        """The entry in Together's GET /v1/models."""
        return {
            "id": self.id,
            "object": "model",
            "created": 1753142400,
            "type": self.type,
            "running": False,
            "display_name": self.display_name,
            "organization": self.id.split("/")[0],
            "license": "other",
            "context_length": self.context_length,
            "config": {"chat_template": None, "stop": [], "bos_token": None, "eos_token": None},
            "pricing": {"hourly": 0, "input": self.input_price, "output": self.output_price, "base": 0, "finetune": 0},
        }


CATALOGUE = (
    Model("Qwen/Qwen3-235B-A22B-Instruct-2507-tput", "Qwen3 235B A22B Instruct 2507 FP8 Throughput", 262_144, 0.2, 0.6),
    Model("Qwen/Qwen3-235B-A22B-Thinking-2507", "Qwen3 235B A22B Thinking 2507 FP8", 262_144, 0.65, 3.0),
    Model("Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8", "Qwen3 Coder 480B A35B Instruct FP8", 262_144, 2.0, 2.0),
    Model("Qwen/Qwen2.5-VL-72B-Instruct", "Qwen2.5-VL (72B) Instruct", 32_768, 1.95, 8.0, vision=True),
    Model("meta-llama/Llama-3.3-70B-Instruct-Turbo-Free", "Meta Llama 3.3 70B Instruct Turbo Free", 131_072, 0, 0),
    Model("BAAI/bge-base-en-v1.5", "BAAI-Bge-Base-1p5", 512, 0.01, 0.01, type="embedding"),
)
BY_ID = {model.id: model for model in CATALOGUE}
