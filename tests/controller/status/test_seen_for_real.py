"""Where each reason is given by a real Kubernetes: the API server, its controllers, a kubelet."""

import ast
from typing import Final

import pytest

from scoring_operator.status.reasons import Reason
from tests.cluster.paths import REPOSITORY

_CLEARS = "test_the_cause_is_told_what_serves_is_unharmed_and_it_clears_by_itself"

SEEN: Final = {
    Reason.ALL_REPLICAS_READY: ("tests/e2e/test_api_reasons.py", _CLEARS),
    Reason.SCALED_TO_ZERO: (
        "tests/e2e/test_api_reasons.py",
        "test_no_pods_are_no_trouble_where_none_are_wanted",
    ),
    Reason.SUSPENDED: (
        "tests/e2e/test_api_pods.py",
        "test_suspending_takes_the_pods_away_and_resuming_brings_them_back",
    ),
    Reason.ROLLOUT_IN_PROGRESS: (
        "tests/node/test_reasons.py",
        "test_on_its_way_a_service_says_what_it_does",
    ),
    Reason.MODEL_LOADING: (
        "tests/node/test_reasons.py",
        "test_on_its_way_a_service_says_what_it_does",
    ),
    Reason.WAITING_FOR_ROUTE: (
        "tests/node/exposure/test_gateway.py",
        "test_the_example_waits_for_its_gateway_then_answers_over_https_and_redirects",
    ),
    Reason.WAITING_FOR_CERTIFICATE: (
        "tests/node/exposure/test_certificates.py",
        "test_a_service_waits_for_its_certificate_and_is_then_answered_for_with_it",
    ),
    Reason.INSUFFICIENT_ACCELERATORS: (
        "tests/node/test_reasons.py",
        "test_a_node_without_gpus_is_told_in_the_schedulers_words",
    ),
    Reason.UNSCHEDULABLE: ("tests/e2e/test_api_reasons.py", _CLEARS),
    Reason.IMAGE_PULL_FAILED: (
        "tests/node/test_rollout.py",
        "test_an_image_that_does_not_exist_is_told_and_the_old_pods_go_on",
    ),
    Reason.CRASH_LOOPING: (
        "tests/node/test_reasons.py",
        "test_an_image_of_another_program_is_told_with_its_last_words",
    ),
    Reason.ACCELERATOR_LOST: (
        "tests/node/test_lost_device.py",
        "test_a_lost_accelerator_is_told_and_clears_with_its_cause",
    ),
    Reason.OUT_OF_MEMORY: ("tests/node/test_rollout.py", "test_too_little_memory_is_told"),
    Reason.MODEL_LOAD_FAILED: (
        "tests/node/test_model_sources.py",
        "test_a_bad_model_is_told_in_the_condition",
    ),
    Reason.CONFIGURATION_INVALID: (
        "tests/node/test_reasons.py",
        "test_a_secret_without_keys_is_told_and_stalls_until_it_has_one",
    ),
    Reason.SECRET_NOT_FOUND: (
        "tests/e2e/test_api_reasons.py",
        "test_a_secret_that_does_not_come_stalls_the_service_until_it_comes",
    ),
    Reason.QUOTA_EXCEEDED: ("tests/e2e/test_api_reasons.py", _CLEARS),
    Reason.ADMISSION_DENIED: ("tests/e2e/test_api_reasons.py", _CLEARS),
    Reason.ROLLOUT_DEADLINE_EXCEEDED: (
        "tests/node/test_reasons.py",
        "test_past_its_deadline_a_download_that_goes_on_and_on_is_stalled",
    ),
    Reason.INVALID_SPEC: (
        "tests/e2e/test_api_reasons.py",
        "test_a_spec_that_an_older_crd_let_in_is_told_and_harms_nothing",
    ),
    Reason.NAME_CONFLICT: ("tests/e2e/test_api_reasons.py", _CLEARS),
    Reason.HOST_CONFLICT: (
        "tests/e2e/test_api_reasons.py",
        "test_a_host_that_another_service_has_is_told_until_that_one_goes",
    ),
    Reason.GATEWAY_API_NOT_INSTALLED: (
        "tests/e2e/test_api_reasons.py",
        "test_gateway_routes_need_the_gateway_api",
    ),
    Reason.CERT_MANAGER_NOT_INSTALLED: (
        "tests/e2e/test_api_reasons.py",
        "test_a_certificate_needs_cert_manager_then_an_issuer_then_a_route",
    ),
}


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_is_seen_for_real_by_a_test_that_is_there(reason: Reason) -> None:
    file, name = SEEN[reason]
    text = (REPOSITORY / file).read_text(encoding="utf-8")
    functions = {
        node.name: ast.get_source_segment(text, node) or ""
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
    }
    # A test with a table has its reasons there.
    about = text if name == _CLEARS else functions[name]
    assert name in functions
    assert f'"{reason}"' in about
