"""Quantities are written as the API server stores them."""

import pytest

from scoring_operator.api.quantities import (
    canonical_amount,
    canonical_cpu,
    canonical_memory,
    memory_bytes,
)


@pytest.mark.parametrize(
    ("given", "stored"),
    [("2", "2"), ("0.5", "500m"), ("500m", "500m"), ("2000m", "2"), ("1.25", "1250m"), ("0", "0")],
)
def test_cpu(given: str, stored: str) -> None:
    assert canonical_cpu(given) == stored


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("1024Mi", "1Gi"),
        ("1536Mi", "1536Mi"),
        ("1.5Gi", "1536Mi"),
        ("4Gi", "4Gi"),
        ("1000M", "1G"),
        ("1000", "1k"),
        ("1024", "1024"),
        ("123456789", "123456789"),
        ("0.5Ki", "512"),
        ("0", "0"),
    ],
)
def test_memory(given: str, stored: str) -> None:
    assert canonical_memory(given) == stored


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("8", "8"),
        ("0.5", "500m"),
        ("2500m", "2500m"),
        ("3000m", "3"),
        ("1000", "1k"),
        ("1500", "1500"),
        ("2000k", "2M"),
        ("0", "0"),
    ],
)
def test_amount(given: str, stored: str) -> None:
    assert canonical_amount(given) == stored


def test_binary_and_decimal_suffixes_differ() -> None:
    assert memory_bytes("1Ki") - memory_bytes("1k") == 24
