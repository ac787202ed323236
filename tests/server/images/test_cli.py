import json
import sys
from pathlib import Path

import pytest

from scoring_server.artefact import open_artefact
from scoring_server.images.cli import main
from scoring_server.images.evaluate import class_of, find_images
from tests.server.colour_model import write_colour_model
from tests.server.pictures import BLUE, GREEN, RED, plain


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_colour_model(tmp_path / "model")


def test_score_prints_the_best_labels(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sky.jpg"
    file.write_bytes(plain(BLUE))
    main(["score", str(file), "--model", str(model)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == str(file)
    assert lines[1] == "   1.000  n00000003 blue"
    assert len(lines) == 4


def test_score_says_which_files_are_no_images_and_fails(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "a.png", tmp_path / "b.png"
    good.write_bytes(plain())
    bad.write_bytes(b"none")
    with pytest.raises(SystemExit) as ended:
        main(["score", str(bad), str(good), str(tmp_path / "c.png"), "--model", str(model)])
    assert ended.value.code == 1
    captured = capsys.readouterr()
    assert f"{bad}: not an image that this service reads" in captured.err
    assert "c.png: No such file or directory" in captured.err
    assert "red" in captured.out


def test_evaluate_counts_what_is_right(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photographs = tmp_path / "photographs"
    (photographs / "n00000003").mkdir(parents=True)
    (photographs / "n00000001_red.JPEG").write_bytes(plain(RED))
    (photographs / "n00000002_red_in_truth.png").write_bytes(plain(RED))
    (photographs / "n00000003" / "1.webp").write_bytes(plain(BLUE, image_format="WEBP"))
    (photographs / "n00000002_broken.jpg").write_bytes(b"none")
    (photographs / "no class.jpg").write_bytes(plain(GREEN))
    main(["evaluate", str(photographs), "--model", str(model)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(
        "n00000002_broken.jpg: not an image that this service reads: send JPEG, PNG or WebP"
    )
    assert lines[1] == "4 images"
    assert lines[3].split()[:2] == ["mean-colour,", "openvino"]
    assert lines[3].split()[3:10] == ["0.500", "(2)", "0.750", "(3)", "3", "of", "3"]


def test_evaluate_compares_models_and_ways_to_compute_them(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second model calls red what is blue, so it agrees on green alone."""
    other = write_colour_model(tmp_path / "other", name="swapped", channels=(2, 1, 0))
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    for number, colour in enumerate((RED, GREEN, BLUE), start=1):
        (photographs / f"n0000000{number}.png").write_bytes(plain(colour, image_format="PNG"))
    ways = ["--compute", "openvino-f32", "openvino-bf16"]
    main(["evaluate", str(photographs), "--model", str(model), str(other), *ways])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[2:]]
    assert [row[:3] for row in rows] == [
        ["mean-colour,", "openvino", "f32"],
        ["mean-colour,", "openvino", "bf16"],
        ["swapped,", "openvino", "f32"],
        ["swapped,", "openvino", "bf16"],
    ]
    assert [row[3] for row in rows] == ["1.000", "1.000", "0.333", "0.333"]
    assert [row[7:10] for row in rows] == [[str(n), "of", "3"] for n in (3, 3, 1, 1)]


def test_models_of_one_name_are_told_apart_by_their_folders(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_colour_model(tmp_path / "other")
    (tmp_path / "n00000001_1.jpg").write_bytes(plain(RED))
    main(["evaluate", str(tmp_path), "--model", str(model), str(other)])
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line.split(":")[0] for line in lines[1:]] == [str(model), str(other)]
    assert len({len(line) for line in lines}) == 1, "the columns stand under their heads"


def test_what_is_left_in_floats_of_an_int8_model_is_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write_colour_model(tmp_path / "model", int8=True)
    ways = ["--compute", "openvino", "openvino-f32", "--batch", "1", "--seconds", "0.01"]
    main(["bench", "--model", str(model), *ways])
    out = capsys.readouterr().out
    assert "| openvino int8 | " in out
    assert "| openvino int8, rest f32 | " in out


def test_bench_prints_a_table_and_draws_it(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.jpg").write_bytes(plain())
    what = ["--model", str(model), "--images", str(tmp_path), "--clients", "1", "4"]
    ways = ["--compute", "openvino-f32", "--threads", "1", "2", "--batch", "1", "4"]
    files = ["--json", str(tmp_path / "b.json"), "--plot", str(tmp_path / "b.svg")]
    main(["bench", *what, *ways, *files, "--seconds", "0.5"])
    out = capsys.readouterr().out
    assert "mean-colour, weights: trained" in out
    assert "| images/s | threads | batch 1 | batch 4 |" in out
    assert "| openvino f32 | 2 | " in out
    assert "| whole pipeline, callers | images/s |" in out
    figures = json.loads((tmp_path / "b.json").read_text())
    assert [(r["threads"], r["batch"]) for r in figures["inference"]] == [
        (1, 1),
        (1, 4),
        (2, 1),
        (2, 4),
    ]
    assert [r["clients"] for r in figures["pipeline"]] == [1, 4]
    assert all(r["images_per_second"] > 0 for r in figures["inference"] + figures["pipeline"])
    assert (tmp_path / "b.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--images", "/missing"], "/missing is no folder"),
        (["--images", str(Path(__file__).parent)], "holds no images"),
        (["--plot", "/missing/x.svg"], "No such file or directory"),
        (["--compute", "torch-cpu"], "has no model.safetensors"),
        (["--plot", "x.bmp"], "x.bmp must end in .svg or .png"),
        (["--seconds", "0"], "0 is no time to measure for"),
    ],
)
def test_a_bench_that_fails_says_why(
    model: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = ["--batch", "1", "--seconds", "0.01"]
    with pytest.raises(SystemExit) as ended:
        main(["bench", "--model", str(model), *quick, *options])
    assert ended.value.code in {2, 78}
    err = capsys.readouterr().err
    assert message in err
    assert "/missing" not in options or "images/s" not in err, "before anything is measured"


def test_bench_takes_more_callers_than_a_server_has_places(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.jpg").write_bytes(plain())
    what = ["--model", str(model), "--images", str(tmp_path), "--clients", "100"]
    main(["bench", *what, "--batch", "1", "--seconds", "0.01"])
    assert "\n| 100 | " in capsys.readouterr().out


def test_without_matplotlib_a_plot_is_refused_before_anything_is_measured(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("scoring_server.images.cli.find_spec", lambda _name: None)
    with pytest.raises(SystemExit) as ended:
        main(["bench", "--model", str(model), "--plot", "x.svg"])
    assert ended.value.code == 78
    err = capsys.readouterr().err
    assert "--plot needs matplotlib" in err
    assert "images/s" not in err


def test_a_way_to_compute_that_is_not_installed_is_named(
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delitem(sys.modules, "scoring_server.images.backends.torch", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    (tmp_path / "n00000001.jpg").write_bytes(plain())
    ways = ["--compute", "torch-cpu"]
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", str(tmp_path), "--model", str(model), *ways])
    assert ended.value.code == 78
    assert "torch-cpu needs torch, which is not installed here" in capsys.readouterr().err


def test_an_export_where_torch_is_not_installed_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "scoring_server.images.export.command", raising=False)
    monkeypatch.delitem(sys.modules, "scoring_server.images.architectures", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(SystemExit) as ended:
        main(["export", "--to", "model"])
    assert ended.value.code == 78
    assert "export needs torch: pip install" in capsys.readouterr().err


def test_evaluate_without_classes_in_the_names_is_refused(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", str(tmp_path), "--model", str(model)])
    assert ended.value.code == 78
    assert "holds no images whose names tell their class" in capsys.readouterr().err


def test_evaluate_knows_a_models_own_labels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write_colour_model(tmp_path / "model", labels=("deep red", "green", "blue"))
    (tmp_path / "photographs" / "deep red").mkdir(parents=True)
    (tmp_path / "photographs" / "deep red" / "1.jpg").write_bytes(plain(RED))
    (tmp_path / "photographs" / "green_1.jpg").write_bytes(plain(GREEN))
    main(["evaluate", str(tmp_path / "photographs"), "--model", str(model)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2 images"
    assert lines[2].split()[3:7] == ["1.000", "(2)", "1.000", "(2)"]


def test_evaluate_calls_random_weights_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write_colour_model(tmp_path / "model", weights="random")
    (tmp_path / "n00000001_1.jpg").write_bytes(plain(RED))
    main(["evaluate", str(tmp_path), "--model", str(model)])
    assert "mean-colour (random weights), openvino" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a/n02127052_lynx.JPEG", "n02127052"),
        ("n02127052/1.jpg", "n02127052"),
        ("a/n00000009.jpg", "n00000009"),  # of no label: wrong, whatever the model answers
        ("a/lynx_n02127052.jpg", None),
        ("grey fox/1.jpg", "grey fox"),
        ("a/grey fox.jpg", "grey fox"),
        ("a/grey_wolf_1_2.jpg", "grey_wolf"),
        ("grey fox/7_1.jpg", "grey fox"),
        ("a/grey.jpg", None),
    ],
)
def test_a_class_is_read_from_the_file_or_from_its_folder(path: str, found: str | None) -> None:
    keys = {"n02127052", "grey fox", "grey_wolf", "7"}
    assert class_of(Path(path), keys) == found


def test_other_files_are_not_images(tmp_path: Path) -> None:
    (tmp_path / "n02127052.txt").touch()
    (tmp_path / "n02127052.jpg").touch()
    assert [path.name for path in find_images(tmp_path)] == ["n02127052.jpg"]


def test_a_model_that_cannot_be_loaded_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["score", "x.jpg", "--model", str(tmp_path / "missing")])
    assert ended.value.code == 78
    assert "missing does not exist" in capsys.readouterr().err


def test_random_weights_are_called_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_colour_model(tmp_path / "model", weights="random")
    file = tmp_path / "x.png"
    file.write_bytes(plain())
    main(["score", str(file), "--model", str(model)])
    assert "the weights are random: the answers mean nothing" in capsys.readouterr().err


def test_export_writes_an_artefact(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("cat\ndog\n")
    network = ["--architecture", "shufflenet_v2_x0_5", "--weights", "random"]
    files = ["--format", "safetensors", "--labels", str(labels), "--to", str(tmp_path / "model")]
    main(["export", *network, *files])
    captured = capsys.readouterr()
    assert "shufflenet_v2_x0_5, weights: random" in captured.out
    assert "NOTE: random weights" in captured.err
    manifest = open_artefact(tmp_path / "model", "image-classification").manifest
    assert set(manifest.files) == {"labels.json", "model.safetensors"}


@pytest.mark.parametrize("replace", [False, True])
def test_export_overwrites_only_when_it_is_told_to(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], replace: bool
) -> None:
    before = (model / "model.json").read_bytes()
    labels = tmp_path / "labels.txt"
    labels.write_text("cat\ndog\n")
    network = ["--architecture", "shufflenet_v2_x0_5", "--weights", "random"]
    command = ["export", *network, "--format", "safetensors", "--labels", str(labels)]
    if replace:
        main([*command, "--to", str(model), "--replace"])
        assert (model / "model.json").read_bytes() != before
        return
    with pytest.raises(SystemExit):
        main([*command, "--to", str(model)])
    assert "--replace" in capsys.readouterr().err
    assert (model / "model.json").read_bytes() == before


def test_an_export_that_fails_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["export", "--architecture", "none", "--weights", "random", "--to", str(tmp_path)])
    assert ended.value.code == 78
    assert "there is no architecture 'none'" in capsys.readouterr().err
