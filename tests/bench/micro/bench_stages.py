"""`make microbench`: no stage costs more than it did, measured against plain work in the same run.

Not part of the suite, which asserts on no clock. Writes `bench-results/profile.json`, from which the portal's page on
speed says where a call's time goes.
"""

from __future__ import annotations

import gc
import json
import platform
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.bench.micro.stages import Stage, quickest, reference, stages
from tests.bench.micro.stand import standing

RESULTS = Path(__file__).resolve().parents[3] / "bench-results"
WARM = 500  # calls before anything is timed
LOOPS = 20
SECONDS = 1.0  # for each stage: long enough that some rounds fall between what else the machine does


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Stage]]:
    with standing(tmp_path_factory.mktemp("micro")) as stand:
        for _ in range(WARM):
            stand.call()
        gc.collect()
        gc.freeze()  # as the edge does once it has started
        yield {stage.id: stage for stage in stages(stand)}


@pytest.fixture(scope="module")
def unit() -> float:
    return quickest(reference, seconds=1.0)


STAGES = (
    "head-again", "trace", "route", "limit", "limit-lines", "head-out", "answer-out", "record", "whole", "whole-anew",
    "head-anew", "target", "authenticate", "authorise", "answer-anew",
)  # fmt: skip
MEASURED: dict[str, float] = {}


@pytest.mark.parametrize("name", STAGES)
def test_stage(name: str, known: dict[str, Stage], unit: float, benchmark: BenchmarkFixture) -> None:
    stage = known[name]
    timed: Callable[..., object] = benchmark.pedantic  # which has no types of its own
    rounds = int(SECONDS * 1e6 / (LOOPS * quickest(stage.action, seconds=0.05)))
    timed(stage.action, rounds=rounds, iterations=LOOPS, warmup_rounds=50)
    assert benchmark.stats is not None
    MEASURED[name] = benchmark.stats.stats.min * 1e6
    ratio = MEASURED[name] / unit
    benchmark.extra_info["ratio"] = round(ratio, 4)
    assert ratio <= stage.most, f"{name}: {ratio:.3f} of the reference, at most {stage.most}"


def test_the_profile_is_written(known: dict[str, Stage]) -> None:
    if set(MEASURED) != set(STAGES):
        pytest.skip("only some stages were measured")
    parts = [(stage.sv, stage.en, MEASURED[stage.id]) for stage in known.values() if stage.part]
    rest = MEASURED["whole"] - sum(us for _, _, us in parts)
    parts.append(("stegens följd och vidaresändningen", "the order of the stages and the relay", rest))
    parts.sort(key=lambda part: -part[2])
    RESULTS.mkdir(exist_ok=True)
    profile = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "parts": [{"sv": sv, "en": en, "us": round(us, 3)} for sv, en, us in parts],
        "stages": {name: round(us, 3) for name, us in MEASURED.items()},
    }
    (RESULTS / "profile.json").write_text(
        json.dumps(profile, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
