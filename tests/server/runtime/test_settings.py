from pathlib import Path

import pytest

from scoring_server.artefact.manifest import KINDS
from scoring_server.process.cpus import available_cpus
from scoring_server.runtime.settings import MODEL_TYPES, Settings, SettingsError

FAQ = {"SCORING_MODEL_TYPE": "faq-matching", "SCORING_CPUS": "3.5"}
IMAGES = {"SCORING_MODEL_TYPE": "image-classification", "SCORING_CPUS": "3.5"}


def test_the_model_types_are_kinds_of_artefacts() -> None:
    assert set(MODEL_TYPES) < set(KINDS)


def test_a_faq_has_a_worker_for_each_whole_cpu_and_one_maths_thread_in_each() -> None:
    settings = Settings.from_environment(FAQ)
    assert (settings.workers, settings.maths_threads, settings.threads) == (3, 1, 32)


def test_images_have_one_worker_whose_maths_uses_the_whole_cpus() -> None:
    settings = Settings.from_environment(IMAGES)
    assert (settings.workers, settings.maths_threads, settings.threads) == (1, 3, 80)


def test_a_gpu_computes_in_a_process_of_its_own_for_a_worker_on_each_cpu() -> None:
    settings = Settings.from_environment({**IMAGES, "SCORING_DEVICE": "gpu"})
    assert (settings.inference_process, settings.workers, settings.decoders) == (True, 3, 1)
    large = {**IMAGES, "SCORING_DEVICE": "gpu", "SCORING_CPUS": "64"}
    assert Settings.from_environment(large).workers == 16
    assert Settings.from_environment({**large, "SCORING_WORKERS": "20"}).workers == 20


def test_where_an_image_model_computes_may_be_chosen() -> None:
    own = Settings.from_environment({**IMAGES, "SCORING_INFERENCE": "process"})
    assert own.inference_process
    alone = {**IMAGES, "SCORING_DEVICE": "gpu", "SCORING_INFERENCE": "worker"}
    assert not Settings.from_environment(alone).inference_process
    assert Settings.from_environment(alone).workers == 1
    assert not Settings.from_environment(IMAGES).inference_process
    assert not Settings.from_environment({**FAQ, "SCORING_INFERENCE": "process"}).inference_process


def test_less_than_a_cpu_is_one_thread() -> None:
    settings = Settings.from_environment({**IMAGES, "SCORING_CPUS": "0.25"})
    assert settings.maths_threads == 1


def test_a_node_with_many_cpus_does_not_get_as_many_faq_workers() -> None:
    assert Settings.from_environment({**FAQ, "SCORING_CPUS": "64"}).workers == 8


def test_some_threads_are_left_for_refusals_and_probes() -> None:
    settings = Settings.from_environment(IMAGES)
    assert settings.http.concurrent_scores == 64
    assert Settings.from_environment({**FAQ, "SCORING_THREADS": "1"}).http.concurrent_scores == 1


def test_the_defaults() -> None:
    settings = Settings.from_environment(IMAGES)
    assert settings.model_path == Path("/opt/scoring/models/image-classification")
    assert settings.device == "cpu"
    assert settings.port == 8080
    assert settings.max_body_bytes == 10 * 1024 * 1024
    assert settings.request_timeout_seconds == 30
    assert settings.drain_seconds == 30
    assert settings.log_level == "info"
    assert settings.path_prefix == ""
    assert settings.http.page
    assert settings.max_concurrency is None
    assert settings.max_batch_size is None
    assert settings.max_batch_delay_seconds == 0
    assert settings.api_keys_directory is None


def concurrency(limit: int, *, workers: int, threads: int) -> tuple[int, int]:
    """Workers, and the requests that each of them works on."""
    settings = Settings.from_environment(
        {
            **FAQ,
            "SCORING_WORKERS": str(workers),
            "SCORING_THREADS": str(threads),
            "SCORING_MAX_CONCURRENCY": str(limit),
        }
    )
    return settings.workers, settings.http.concurrent_scores


def test_workers_share_the_concurrency_and_stay_within_it() -> None:
    assert concurrency(8, workers=2, threads=16) == (2, 4)
    assert concurrency(9, workers=2, threads=16) == (2, 4)
    assert concurrency(10_000, workers=2, threads=16) == (2, 12)


def test_there_are_no_more_workers_than_requests_to_work_on() -> None:
    assert concurrency(3, workers=8, threads=16) == (3, 1)
    assert concurrency(1, workers=8, threads=1) == (1, 1)


@pytest.mark.parametrize(
    ("value", "prefix"),
    [("/", ""), ("/faq", "/faq"), ("/faq/", "/faq"), ("/a/b.c-d_~", "/a/b.c-d_~")],
)
def test_a_path_prefix_has_no_slash_at_its_end(value: str, prefix: str) -> None:
    settings = Settings.from_environment({**FAQ, "SCORING_PATH_PREFIX": value})
    assert settings.http.path_prefix == prefix


def test_zero_delay_is_no_delay() -> None:
    settings = Settings.from_environment({**IMAGES, "SCORING_MAX_BATCH_DELAY_MILLISECONDS": "0"})
    assert settings.max_batch_delay_seconds == 0


def test_every_variable_is_read() -> None:
    settings = Settings.from_environment(
        {
            "SCORING_MODEL_TYPE": "image-classification",
            "SCORING_MODEL_PATH": "/models/x",
            "SCORING_DEVICE": "gpu",
            "SCORING_PORT": "9000",
            "SCORING_WORKERS": "2",
            "SCORING_THREADS": "7",
            "SCORING_CPUS": "1.5",
            "SCORING_MAX_BODY_BYTES": "5",
            "SCORING_REQUEST_TIMEOUT_SECONDS": "2.5",
            "SCORING_DRAIN_SECONDS": "9",
            "SCORING_LOG_LEVEL": "debug",
            "SCORING_PATH_PREFIX": "/pictures",
            "SCORING_MAX_CONCURRENCY": "6",
            "SCORING_MAX_BATCH_SIZE": "8",
            "SCORING_MAX_BATCH_DELAY_MILLISECONDS": "5",
            "SCORING_API_KEYS_DIR": "/etc/scoring/api-keys",
            "SCORING_TORCH_COMPILE": "on",
        }
    )
    assert settings == Settings(
        model_type="image-classification",
        model_path=Path("/models/x"),
        device="gpu",
        port=9000,
        workers=2,
        threads=7,
        cpus=1.5,
        max_body_bytes=5,
        request_timeout_seconds=2.5,
        drain_seconds=9,
        log_level="debug",
        path_prefix="/pictures",
        max_concurrency=6,
        max_batch_size=8,
        max_batch_delay_seconds=0.005,
        api_keys_directory=Path("/etc/scoring/api-keys"),
        inference_process=True,
        torch_compile=True,
    )


def test_an_empty_variable_counts_as_unset() -> None:
    assert Settings.from_environment({**FAQ, "SCORING_PORT": " "}).port == 8080


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SCORING_MODEL_TYPE", "", "is not set; it must be one of faq-matching, image-class"),
        ("SCORING_MODEL_TYPE", "x", "is 'x'; it must be one of faq-matching, image-class"),
        ("SCORING_DEVICE", "tpu", "is 'tpu'; it must be one of cpu, gpu"),
        ("SCORING_PORT", "http", "is 'http'; it must be a whole number"),
        ("SCORING_PORT", "0", "is 0; it must be at least 1 and at most 65535"),
        ("SCORING_PORT", "65536", "is 65536; it must be at least 1 and at most 65535"),
        ("SCORING_WORKERS", "0", "is 0; it must be at least 1 and at most 64"),
        ("SCORING_WORKERS", "65", "is 65; it must be at least 1 and at most 64"),
        ("SCORING_THREADS", "-1", "is -1; it must be at least 1 and at most 512"),
        ("SCORING_THREADS", "513", "is 513; it must be at least 1 and at most 512"),
        ("SCORING_MAX_CONCURRENCY", "0", "is 0; it must be at least 1 and at most 10000"),
        ("SCORING_MAX_CONCURRENCY", "auto", "is 'auto'; it must be a whole number"),
        ("SCORING_MAX_BATCH_SIZE", "0", "is 0; it must be at least 1 and at most 1024"),
        ("SCORING_MAX_BATCH_SIZE", "1025", "is 1025; it must be at least 1 and at most 1024"),
        ("SCORING_MAX_BATCH_DELAY_MILLISECONDS", "-1", "is -1; it must be at least 0 and at most"),
        ("SCORING_MAX_BATCH_DELAY_MILLISECONDS", "1001", "is 1001; it must be at least 0 and at"),
        ("SCORING_MAX_BATCH_DELAY_MILLISECONDS", "0.5", "is '0.5'; it must be a whole number"),
        ("SCORING_PATH_PREFIX", "faq", "is 'faq'; it must be a path such as /faq"),
        ("SCORING_PATH_PREFIX", "//faq", "is '//faq'; it must be a path such as /faq"),
        ("SCORING_PATH_PREFIX", "/a b", "is '/a b'; it must be a path such as /faq"),
        ("SCORING_PATH_PREFIX", "/" + "a" * 256, "is '/aaaaaaaa"),
        ("SCORING_CPUS", "nan", "is nan; it must be at least 0.001"),
        ("SCORING_CPUS", "inf", "is inf; it must be at least 0.001"),
        ("SCORING_CPUS", "two", "is 'two'; it must be a number"),
        ("SCORING_MAX_BODY_BYTES", "1e6", "is '1e6'; it must be a whole number"),
        ("SCORING_REQUEST_TIMEOUT_SECONDS", "0", "is 0; it must be at least 0.001"),
        ("SCORING_DRAIN_SECONDS", "0", "is 0; it must be at least 1"),
        ("SCORING_PAGE", "maybe", "is 'maybe'; it must be one of on, off"),
        ("SCORING_LOG_LEVEL", "loud", "is 'loud'; it must be one of debug, info, warning, error"),
    ],
)
def test_a_wrong_variable_is_named_with_what_it_may_be(name: str, value: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({**FAQ, name: value})
    assert str(caught.value).startswith(f"{name} {message}")


def cgroup(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def v1(folder: Path, quota: int) -> Path:
    files = {"cpu/cpu.cfs_quota_us": f"{quota}\n", "cpu/cpu.cfs_period_us": "100000\n"}
    return cgroup(folder, files)


def test_the_cgroups_limit_decides_over_the_machines_cpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: set(range(16)))
    assert available_cpus(cgroup(tmp_path / "v2", {"cpu.max": "150000 100000\n"})) == 1.5
    assert available_cpus(v1(tmp_path / "v1", 250_000)) == 2.5


def test_without_a_limit_the_affinity_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: {0, 1, 2})
    assert available_cpus(cgroup(tmp_path / "v2", {"cpu.max": "max 100000\n"})) == 3
    assert available_cpus(tmp_path / "nothing") == 3
    assert available_cpus(v1(tmp_path / "v1", -1)) == 3


def test_a_limit_above_the_affinity_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: {0, 1})
    assert available_cpus(cgroup(tmp_path, {"cpu.max": "800000 100000\n"})) == 2


def test_a_faq_worker_takes_more_requests_while_they_are_cheap_and_scores_one_at_a_time() -> None:
    faq = Settings.from_environment(FAQ)
    assert (faq.concurrent_scores, faq.most_places, faq.scoring_threads) == (25, 512, 1)
    bounded = Settings.from_environment({**FAQ, "SCORING_MAX_CONCURRENCY": "2"})
    assert bounded.most_places == bounded.concurrent_scores <= 2
    assert bounded.scoring_threads == 1


def test_an_image_worker_has_64_places_and_a_thread_for_each_cpu() -> None:
    images = Settings.from_environment({**IMAGES, "SCORING_CPUS": "3.5"})
    assert images.most_places == images.concurrent_scores == 64
    assert images.scoring_threads == images.decoders == 3
