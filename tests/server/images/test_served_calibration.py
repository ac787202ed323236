"""What a real server chose for itself is what it reports."""

import json
import re
from pathlib import Path

from tests.server.colour_model import write_colour_model
from tests.server.pictures import plain
from tests.server.runtime.conftest import image_variables
from tests.server.server_process import ServerProcess


def test_the_batch_size_is_measured_and_reported(tmp_path: Path) -> None:
    model = write_colour_model(tmp_path / "model")
    with ServerProcess(tmp_path, **image_variables(model)) as server:
        server.wait_until_ready()
        batch = json.loads(server.get("/version")[1])["backend"]["batch"]
        metrics = server.get("/metrics")[1].decode()
    assert batch["measured"]
    assert str(batch["size"]) in batch["rates"]
    assert batch["rates"]["1"] > 0
    assert re.search(rf"^scoring_max_batch_size {batch['size']}\.0$", metrics, re.MULTILINE)
    assert 'scoring_calibration_items_per_second{batch_size="1"}' in metrics


def test_a_batch_size_that_was_asked_for_is_used(tmp_path: Path) -> None:
    variables = image_variables(write_colour_model(tmp_path / "model"))
    with ServerProcess(tmp_path, **variables, SCORING_MAX_BATCH_SIZE="3") as server:
        server.wait_until_ready()
        batch = json.loads(server.get("/version")[1])["backend"]["batch"]
        assert server.post(plain(), "image/jpeg")[0] == 200
    assert batch == {"size": 3, "measured": False, "rates": {}}
