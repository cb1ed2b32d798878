"""Who works at the invented company Acme, on which models, how often and how much: the tables behind the generator.

Model names, display names, parameter counts and list prices are public ones of Fireworks; people and habits are invented.
`TEXT_COMPLETION_INFERENCE_USAGE` is the one usage type whose name is public, the others are made in its style.
"""

from __future__ import annotations

from dataclasses import dataclass

TEXT = "TEXT_COMPLETION_INFERENCE_USAGE"
EMBEDDING = "EMBEDDING_INFERENCE_USAGE"
DEDICATED = "DEDICATED_DEPLOYMENT_USAGE"
TUNING = "SUPERVISED_FINE_TUNING_USAGE"
REINFORCEMENT = "REINFORCEMENT_FINE_TUNING_USAGE"

H100, H200, B200 = "NVIDIA_H100_80GB", "NVIDIA_H200_141GB", "NVIDIA_B200_180GB"

ACCELERATOR_HOUR_NANOS = {H100: 8_000_000_000, H200: 8_000_000_000, B200: 13_000_000_000}
"""Rough list price of an accelerator hour, in billionths of a dollar."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model with its rough list prices in dollars per million tokens."""

    name: str
    bucket: str
    parameters: int
    uncached: float
    cached: float
    output: float

    @property
    def slug(self) -> str:
        """The last path segment, which dedicated deployments show in place of the display name."""
        return self.name.rpartition("/")[2]


_FIREWORKS = "accounts/fireworks/models/"
KIMI_K3 = Model(_FIREWORKS + "kimi-k3", "Kimi K3", 1_043_300_000_000, 3.00, 0.30, 15.00)
KIMI_K2_6 = Model(_FIREWORKS + "kimi-k2p6", "Kimi K2.6", 1_026_408_232_448, 0.95, 0.16, 4.00)
DEEPSEEK_FLASH = Model(_FIREWORKS + "deepseek-v4-flash-0731", "DeepSeek V4 Flash (0731)", 284_331_446_784, 0.22, 0.007, 0.66)
GPT_OSS = Model(_FIREWORKS + "gpt-oss-120b", "GPT OSS 120B", 116_829_156_672, 0.15, 0.015, 0.60)
GLM_5_3 = Model(_FIREWORKS + "glm-5p3", "GLM 5.3", 357_000_000_000, 1.40, 0.26, 4.40)
GLM_5_2_FAST = Model("accounts/fireworks/routers/glm-5p2-fast", "GLM 5.2 (Fast)", 357_000_000_000, 2.10, 0.21, 6.60)
MINIMAX = Model(_FIREWORKS + "minimax-m3", "MiniMax M3", 229_000_000_000, 0.30, 0.06, 1.20)
QWEN_MAX = Model(_FIREWORKS + "qwen3p8-max", "Qwen 3.8 Max", 480_000_000_000, 2.00, 0.25, 6.00)
NEMOTRON = Model(
    _FIREWORKS + "nemotron-3p5-lightning-30b-a3b", "Nemotron 3.5 Lightning 30B A3B", 31_577_940_288, 0.05, 0.01, 0.20
)
MAVERICK = Model(_FIREWORKS + "llama4-maverick-instruct-basic", "Llama 4 Maverick Basic", 401_583_781_376, 0.22, 0.22, 0.88)
QWEN_EMBEDDING = Model(_FIREWORKS + "qwen3-embedding-8b", "Qwen3 Embedding 8B", 7_567_295_488, 0.10, 0.10, 0.0)
NOMIC = Model(_FIREWORKS + "nomic-embed-text-v1p5", "Nomic Embed v1.5", 136_731_648, 0.008, 0.008, 0.0)
SUPPORT_ROUTER = Model("accounts/acme-prod/models/support-router-v7", "Support Router v7", 8_030_261_248, 0.20, 0.20, 0.20)

MODELS = (
    KIMI_K3, KIMI_K2_6, DEEPSEEK_FLASH, GPT_OSS, GLM_5_3, GLM_5_2_FAST, MINIMAX, QWEN_MAX, NEMOTRON, MAVERICK,
    QWEN_EMBEDDING, NOMIC, SUPPORT_ROUTER,
)  # fmt: skip

ANA, BO, MEI, PRIYA, SOREN = "ana@acme.dev", "bo.larsen@acme.dev", "mei@acme.dev", "priya.n@acme.dev", "søren@acme.dev"
OPS = '"Ops, EU" <ops-eu@acme.dev>'
CI, DATA, EVALS, SUPPORT = "ci-bot@acme.dev", "data-platform@acme.dev", "evals@acme.dev", "support-bot@acme.dev"

TEAMS = {
    ANA: "assistant", BO: "assistant", MEI: "search", PRIYA: "search", SOREN: "research", OPS: "operations",
    CI: "platform", DATA: "platform", EVALS: "research", SUPPORT: "assistant",
}  # fmt: skip
"""User -> team, for the `annotations.team` dimension of `billingUsage`."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When in the week something happens: a digit 0-9 for each hour of the UTC day, and how much is left at weekends."""

    hours: str
    weekend: float


EUROPE = Rhythm("000000136899768986321100", 0.06)
AMERICA = Rhythm("531000000000013689987687", 0.08)
ASIA = Rhythm("589986789863100000000001", 0.05)
SERVICE = Rhythm("544445678899999999988765", 0.62)
NIGHTLY = Rhythm("069984100000000000000000", 0.85)
PIPELINE = Rhythm("211123579999899998765432", 0.12)
STEADY = Rhythm("999999999999999999999999", 1.0)

STAYS, FADES, TAKES_OVER, RUNAWAY = "stays", "fades", "takes over", "runaway"


@dataclass(frozen=True, slots=True)
class Workload:
    """A steady habit: one user, one usage type, one model. `weight` counts among workloads of the same nature.

    `prompt` and `completion` are medians in tokens, `spread` the standard deviation of their logarithm, `cached` the part of
    a prompt that a warm cache holds. `accelerators` is how many run at once on a dedicated deployment or a GPU-billed job.
    """

    user: str
    usage_type: str
    model: Model
    weight: float
    rhythm: Rhythm
    prompt: int = 0
    completion: int = 0
    cached: float = 0.0
    spread: float = 0.9
    phase: str = STAYS
    accelerator: str | None = None
    accelerators: int = 0


REQUESTS = (
    # The assistant moves from Kimi K2.6 to K3 halfway through.
    Workload(SUPPORT, TEXT, KIMI_K2_6, 9.0, SERVICE, 2_400, 240, 0.72, phase=FADES),
    Workload(SUPPORT, TEXT, KIMI_K3, 11.5, SERVICE, 2_600, 260, 0.76, phase=TAKES_OVER),
    Workload(CI, TEXT, KIMI_K2_6, 4.5, PIPELINE, 9_000, 420, 0.64, phase=FADES),
    Workload(CI, TEXT, KIMI_K3, 6.5, PIPELINE, 9_800, 460, 0.70, phase=TAKES_OVER),
    Workload(ANA, TEXT, KIMI_K3, 3.2, EUROPE, 14_000, 520, 0.80, phase=TAKES_OVER),
    Workload(ANA, TEXT, KIMI_K2_6, 1.6, EUROPE, 12_000, 480, 0.74, phase=FADES),
    Workload(BO, TEXT, KIMI_K3, 2.1, EUROPE, 16_500, 610, 0.82, phase=TAKES_OVER),
    Workload(PRIYA, TEXT, KIMI_K3, 1.4, ASIA, 11_000, 430, 0.78, phase=TAKES_OVER),
    # What runs by itself.
    Workload(SUPPORT, TEXT, SUPPORT_ROUTER, 6.0, SERVICE, 900, 6, spread=0.6),
    Workload(SUPPORT, TEXT, DEEPSEEK_FLASH, 5.5, SERVICE, 1_300, 120, 0.40),
    Workload(DATA, TEXT, DEEPSEEK_FLASH, 9.5, NIGHTLY, 1_900, 85, 0.12),
    Workload(DATA, TEXT, NEMOTRON, 3.6, NIGHTLY, 1_100, 60),
    Workload(DATA, TEXT, MAVERICK, 1.3, NIGHTLY, 2_200, 190),
    Workload(CI, TEXT, GPT_OSS, 6.2, PIPELINE, 3_100, 240, 0.45),
    Workload(CI, TEXT, DEEPSEEK_FLASH, 3.1, PIPELINE, 2_700, 150, 0.35),
    Workload(EVALS, TEXT, GPT_OSS, 2.2, NIGHTLY, 1_250, 380, 0.30),
    Workload(EVALS, TEXT, MINIMAX, 1.6, NIGHTLY, 1_250, 410, 0.30),
    Workload(EVALS, TEXT, QWEN_MAX, 1.1, NIGHTLY, 1_250, 440, 0.30),
    # People.
    Workload(ANA, TEXT, GLM_5_3, 1.9, EUROPE, 6_200, 380, 0.60),
    Workload(BO, TEXT, GLM_5_3, 2.3, EUROPE, 7_000, 410, 0.62),
    Workload(BO, TEXT, GLM_5_2_FAST, 1.5, EUROPE, 2_800, 210, 0.40),
    Workload(MEI, TEXT, GPT_OSS, 1.7, ASIA, 1_700, 190, 0.25),
    Workload(MEI, TEXT, MINIMAX, 2.4, ASIA, 3_900, 330, 0.50),
    Workload(PRIYA, TEXT, QWEN_MAX, 1.6, ASIA, 4_600, 560, 0.45),
    Workload(PRIYA, TEXT, MAVERICK, 0.8, ASIA, 2_100, 230),
    Workload(SOREN, TEXT, GLM_5_2_FAST, 0.9, AMERICA, 3_300, 290, 0.35),
    Workload(SOREN, TEXT, NEMOTRON, 0.7, AMERICA, 1_500, 120, 0.20),
    Workload(OPS, TEXT, GPT_OSS, 0.7, EUROPE, 1_200, 140, 0.20),
    Workload(OPS, TEXT, DEEPSEEK_FLASH, 0.6, STEADY, 420, 35, 0.50, spread=0.3),
    # Search.
    Workload(MEI, EMBEDDING, QWEN_EMBEDDING, 2.6, SERVICE, 640),
    Workload(DATA, EMBEDDING, QWEN_EMBEDDING, 2.4, NIGHTLY, 1_400),
    Workload(DATA, EMBEDDING, NOMIC, 2.2, NIGHTLY, 820),
    Workload(PRIYA, EMBEDDING, NOMIC, 0.8, ASIA, 510),
    # The anomaly: a job in a loop sends the same long prompt again and again on one afternoon.
    Workload(DATA, TEXT, KIMI_K3, 2.6, STEADY, 11_000, 900, 0.05, spread=0.08, phase=RUNAWAY),
)

DEPLOYMENTS = (
    Workload(SUPPORT, DEDICATED, SUPPORT_ROUTER, 4.0, STEADY, accelerator=H100, accelerators=1),
    Workload(OPS, DEDICATED, KIMI_K3, 1.5, SERVICE, accelerator=B200, accelerators=4),
    Workload(BO, DEDICATED, GLM_5_3, 1.0, EUROPE, accelerator=H200, accelerators=2),
    Workload(EVALS, DEDICATED, GPT_OSS, 0.8, NIGHTLY, accelerator=H100, accelerators=2),
)

JOBS = (
    Workload(ANA, TUNING, DEEPSEEK_FLASH, 3.0, EUROPE, 900_000),
    Workload(SOREN, TUNING, SUPPORT_ROUTER, 2.0, AMERICA, 2_600_000),
    Workload(DATA, TUNING, GPT_OSS, 1.0, NIGHTLY, 1_700_000),
    Workload(SOREN, REINFORCEMENT, GPT_OSS, 1.0, AMERICA, accelerator=H200, accelerators=8),
)
