"""`scoring-faq` as a person uses it, rightly and wrongly."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scoring_server.faq.cli import main
from tests.server.faq.conftest import SHIPPED, TINY


@pytest.fixture
def tiny_files(tmp_path: Path) -> tuple[Path, Path]:
    """TINY as originals.tsv and duplicates.csv."""
    originals, duplicates = tmp_path / "originals.tsv", tmp_path / "duplicates.csv"
    rows = ["Id\tAnswerId\tText", *(f"q{i}\t{i}\t{text}" for i, text in enumerate(TINY))]
    originals.write_text("\n".join(rows), encoding="utf-8")
    with duplicates.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["Id", "OriginalId", "Text"])
        for i, texts in enumerate(TINY.values()):
            writer.writerows([f"{i}-{n}", f"q{i}", text] for n, text in enumerate(texts))
    return originals, duplicates


@pytest.fixture
def tiny_model(tmp_path: Path, tiny_files: tuple[Path, Path]) -> Path:
    """The artefact trained from `tiny_files`."""
    assert train(tiny_files, tmp_path / "model", "--quiet") == 0
    return tmp_path / "model"


def train(files: tuple[Path, Path], output: Path, *more: str) -> int:
    originals, duplicates = map(str, files)
    arguments = ["train", "--originals", originals, "--duplicates", duplicates]
    return main([*arguments, "--output", str(output), *more])


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The message of a command that fails: one line, no traceback."""
    capsys.readouterr()
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("scoring-faq: error: ")
    assert captured.err.count("\n") == 1
    return captured.err


def test_train_shows_progress_on_stderr_and_figures_on_stdout(
    tmp_path: Path, tiny_files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(tiny_files, tmp_path / "m") == 0
    captured = capsys.readouterr()
    assert "4 originals, 15 duplicates" in captured.out
    assert "accuracyAt1" in captured.out
    steps = captured.err.splitlines()
    assert steps[0].endswith("] counting n-grams")
    assert steps[-1] == f"[{len(steps)}/{len(steps)}] training with everything"


def test_train_twice_gives_the_same_bytes_and_another_seed_another_model(
    tmp_path: Path, tiny_files: tuple[Path, Path]
) -> None:
    def content(name: str, *more: str) -> dict[str, bytes]:
        assert train(tiny_files, tmp_path / name, "--quiet", *more) == 0
        return {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}

    first = content("a")
    assert first == content("b", "--seed", "0")
    assert first != content("c", "--seed", "1")


def test_training_in_other_processes_gives_the_same_bytes(tmp_path: Path) -> None:
    digests = []
    for name, threads in (("a", "1"), ("b", "2")):
        code = f"from scoring_server.faq.cli import main; main({_train_shipped(tmp_path / name)})"
        environment = {"OPENBLAS_NUM_THREADS": threads, "PYTHONHASHSEED": threads}
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
        digests.append((tmp_path / name / "model.json").read_bytes())
    assert digests[0] == digests[1]


def _train_shipped(output: Path) -> list[str]:
    files = ("--originals", f"{SHIPPED}/originals.csv", "--duplicates", f"{SHIPPED}/duplicates.csv")
    return ["train", *files, "--output", str(output), "--quiet"]


def test_the_manifest_tells_where_the_model_comes_from(
    tiny_files: tuple[Path, Path], tiny_model: Path
) -> None:
    manifest = json.loads((tiny_model / "model.json").read_text())
    created_by = manifest["createdBy"]
    assert manifest["name"] == "faq"
    assert manifest["weights"] == "trained"
    assert created_by["data"]["originals"]["rows"] == 4
    assert len(created_by["data"]["duplicates"]["sha256"]) == 64
    assert created_by["parameters"]["random_state"] == 0
    assert set(created_by["libraries"]) == {"python", "numpy", "scipy", "scikit-learn"}
    assert 0 <= manifest["metrics"]["accuracyAt1"] <= manifest["metrics"]["accuracyAt3"] <= 1


def test_no_duplicates_train_with_a_warning(
    tmp_path: Path, tiny_files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_files[1].write_text("Id,OriginalId,Text\n")
    assert train(tiny_files, tmp_path / "m", "--quiet") == 0
    assert "not calibrated" in capsys.readouterr().err


def test_evaluate_prints_a_table_and_writes_json(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = tmp_path / "t.csv"
    questions.write_text("Id,OriginalId,Text\n1,q0,opening hours\n2,q3,refund\n3,,qqq xxx\n")
    report = tmp_path / "report.json"
    capsys.readouterr()
    arguments = ["--model", str(tiny_model), "--questions", str(questions), "--json", str(report)]
    assert main(["evaluate", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    table = {label.strip(): value for label, value in (line.rsplit(maxsplit=1) for line in lines)}
    assert table["Acc@1"] == "1.0000"
    assert table["no-match AUROC"] == "1.0000"
    assert table["refused, of those without"] == "1.0000"
    assert table["let through, of those without"] == "0.0000"
    assert table["refused, of those with an original"] == "0.0000"
    assert table["questions without an original"] == "1"
    figures = json.loads(report.read_text())
    assert figures["accuracyAt3"] == 1.0
    assert figures["questions"] == 2
    assert figures["unanswered"] == 1
    assert figures["atThreshold"]["letThroughOfUnanswered"] == 0.0
    assert f"{figures['atThreshold']['threshold']:.2f}" == table["the model's threshold of P(none)"]
    assert figures["model"]["digest"].startswith("sha256:")


def test_evaluate_says_what_it_could_not_measure(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = tmp_path / "t.csv"
    questions.write_text("Id,OriginalId,Text\n1,q0,opening hours\n")
    assert main(["evaluate", "--model", str(tiny_model), "--questions", str(questions)]) == 0
    told = capsys.readouterr().out.splitlines()
    table = {label.strip(): value for label, value in (line.rsplit(maxsplit=1) for line in told)}
    assert table["no-match AUROC"] == "-"
    assert table["let through, of those without"] == "-"
    assert table["refused, of those with an original"] == "0.0000"


PNG, SVG = b"\x89PNG\r\n\x1a\n", b"<?xml"


def questions_file(folder: Path) -> str:
    path = folder / "t.csv"
    rows = "1,q0,opening hours\n2,q3,refund\n3,q1,price\n4,q2,c\n5,,qqq xxx\n6,,weather\n"
    path.write_text("Id,OriginalId,Text\n" + rows)
    return str(path)


def test_evaluate_draws_diagrams_whose_bytes_are_the_same_each_time(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--model", str(tiny_model), "--questions", questions_file(tmp_path)]
    drawn = {}
    for run in ("a", "b"):
        for suffix, magic in (("png", PNG), ("svg", SVG)):
            capsys.readouterr()
            plots = ["--plots", str(tmp_path / run), "--plot-format", suffix]
            assert main(["evaluate", *arguments, *plots]) == 0
            files = sorted((tmp_path / run).glob(f"*.{suffix}"))
            assert [f.stem for f in files] == ["accuracy-at-k", "no-match-trade-off", "reliability"]
            assert all(f.read_bytes().startswith(magic) for f in files)
            assert all(f"written: {f}" in capsys.readouterr().out for f in files[:1])
        drawn[run] = {f.name: f.read_bytes() for f in (tmp_path / run).iterdir()}
    assert drawn["a"] == drawn["b"]


def test_diagrams_without_matplotlib_are_told(
    tmp_path: Path,
    tiny_model: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "scoring_server.faq.plots", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    arguments = ["--model", str(tiny_model), "--questions", questions_file(tmp_path)]
    message = error_of(capsys, "evaluate", *arguments, "--plots", str(tmp_path / "p"))
    assert "diagrams need matplotlib" in message


def test_compare_measures_several_models_on_the_same_questions(
    tmp_path: Path,
    tiny_files: tuple[Path, Path],
    tiny_model: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert train(tiny_files, tmp_path / "other", "--quiet", "--seed", "1") == 0
    capsys.readouterr()
    report = tmp_path / "r.json"
    models = [str(tiny_model), str(tmp_path / "other")]
    more = ["--json", str(report), "--plots", str(tmp_path / "p")]
    assert main(["compare", *models, "--questions", questions_file(tmp_path), *more]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["model", "other"]
    accuracy = next(line for line in lines if line.startswith("Acc@1 "))
    assert len(accuracy.split()) == 3
    first, second = json.loads(report.read_text())["models"]
    assert (first["label"], second["label"]) == ("model", "other")
    assert first["model"]["digest"] != second["model"]["digest"]
    assert first["noMatch"]["thresholds"][-1] == 1.0
    assert (tmp_path / "p" / "reliability.png").exists()


def test_comparing_a_model_with_itself_is_told(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = questions_file(tmp_path)
    message = error_of(
        capsys, "compare", str(tiny_model), str(tiny_model), "--questions", questions
    )
    assert "the same artefact comes twice" in message


def test_score_prints_ranked_originals(
    tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["score", "--model", str(tiny_model), "--top", "2", "money back!", "c plus"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "money back!"
    assert "q3 -> answer 3: refund" in lines[1]
    assert len(lines) == 2 * (1 + 2 + 1)


def test_score_reads_files_and_writes_json(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "q.txt").write_text("money back\n\nżółw\n", encoding="utf-8")
    capsys.readouterr()
    arguments = ["--model", str(tiny_model), "--file", str(tmp_path / "q.txt"), "--json"]
    assert main(["score", *arguments, "--min-probability", "0.2"]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["question"] == "money back"
    assert first["matches"][0]["original_id"] == "q3"
    assert all(match["probability"] >= 0.2 for match in first["matches"] + second["matches"])


def test_inspect_describes_the_model_and_an_original(
    tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["inspect", "--model", str(tiny_model)]) == 0
    lines = capsys.readouterr().out
    assert re.search(r"^digest +sha256:[0-9a-f]{64}$", lines, re.MULTILINE)
    assert re.search(r"^created by\.data\.originals\.rows +4$", lines, re.MULTILINE)
    assert re.search(r"^unanswered from P\(none\) of +0\.[0-9]+$", lines, re.MULTILINE)
    assert main(["inspect", "--model", str(tiny_model), "--original", "q3", "--top", "5"]) == 0
    header, *strongest = capsys.readouterr().out.splitlines()
    assert header == "q3 -> answer 3: refund"
    assert len(strongest) == 5
    assert any("money" in line for line in strongest)


def test_inspect_of_an_unknown_original_is_told(
    tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = error_of(capsys, "inspect", "--model", str(tiny_model), "--original", "zz")
    assert "'zz' is not the id of any original" in message


def test_a_missing_file_is_named(
    tmp_path: Path, tiny_files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    originals, _ = map(str, tiny_files)
    arguments = ["--originals", originals, "--duplicates", "none.csv"]
    arguments += ["--output", str(tmp_path / "m")]
    assert "none.csv: No such file or directory" in error_of(capsys, "train", *arguments)


def test_bad_data_is_told_and_writes_nothing(
    tmp_path: Path, tiny_files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    originals, duplicates = map(str, tiny_files)
    Path(duplicates).write_text("Id,OriginalId,Text\n1,q9,x\n")
    output = tmp_path / "m"
    arguments = ["--originals", originals, "--duplicates", duplicates, "--output", str(output)]
    message = error_of(capsys, "train", *arguments)
    assert "duplicates.csv, line 2, column OriginalId: 'q9' is not the Id of any" in message
    assert not output.exists()


def test_an_output_that_is_something_else_is_left_alone(
    tmp_path: Path, tiny_files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    originals, duplicates = map(str, tiny_files)
    arguments = ["--originals", originals, "--duplicates", duplicates, "--quiet"]
    arguments += ["--output", str(tmp_path)]
    assert "holds 'duplicates.csv' already" in error_of(capsys, "train", *arguments)
    message = error_of(capsys, "train", *arguments, "--replace")
    assert "is not an artefact, so it is left alone" in message
    assert sorted(path.name for path in tmp_path.iterdir()) == ["duplicates.csv", "originals.tsv"]


def test_an_earlier_model_is_replaced_only_when_told(
    tmp_path: Path,
    tiny_files: tuple[Path, Path],
    tiny_model: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = (tiny_model / "model.json").read_bytes()
    originals, duplicates = map(str, tiny_files)
    arguments = ["--originals", originals, "--duplicates", duplicates, "--seed", "1", "--quiet"]
    arguments += ["--output", str(tiny_model)]
    message = error_of(capsys, "train", *arguments)
    assert "model holds 'model.json' already: choose another folder, or say --replace" in message
    assert (tiny_model / "model.json").read_bytes() == before
    assert main(["train", *arguments, "--replace"]) == 0
    assert (tiny_model / "model.json").read_bytes() != before


def test_an_empty_folder_is_written_to(tmp_path: Path, tiny_files: tuple[Path, Path]) -> None:
    (tmp_path / "empty").mkdir()
    assert train(tiny_files, tmp_path / "empty", "--quiet") == 0


def test_a_damaged_model_is_told(tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tiny_model / "weights.npz").write_bytes(b"x")
    assert "weights.npz has 1 bytes" in error_of(capsys, "score", "--model", str(tiny_model), "x")


def test_no_question_is_told(tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no question" in error_of(capsys, "score", "--model", str(tiny_model))


def test_questions_of_unknown_originals_are_told(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = tmp_path / "t.csv"
    questions.write_text("Id,OriginalId,Text\n1,zz,x\n")
    arguments = ["evaluate", "--model", str(tiny_model), "--questions", str(questions)]
    assert "line 2, column OriginalId" in error_of(capsys, *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["train"],
        ["score", "--model", "m", "--top", "0", "x"],
        ["score", "--model", "m", "--min-probability", "1.5", "x"],
        ["score", "--model", "m", "--min-probability", "nan", "x"],
        ["train", "--originals", "o", "--duplicates", "d", "--output", "m", "--seed", "-1"],
        ["train", "--originals", "o", "--duplicates", "d", "--output", "m", "--seed", "x"],
    ],
)
def test_wrong_usage_exits_with_2_and_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "usage: scoring-faq" in capsys.readouterr().err


def test_training_without_scikit_learn_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in list(sys.modules):
        if module.startswith("scoring_server.faq.training."):
            monkeypatch.delitem(sys.modules, module)
        elif module.partition(".")[0] == "sklearn":
            monkeypatch.setitem(sys.modules, module, None)
    message = error_of(capsys, "train", "--originals", "o", "--duplicates", "d", "--output", "m")
    assert "training needs sklearn" in message
    assert "extra 'train'" in message


def test_answers_travel_with_the_model_and_are_told(
    tmp_path: Path, tiny_files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    answers = tmp_path / "a.csv"
    answers.write_text("AnswerId,Text,Url\n3,Within 14 days.,https://a.example/3\n0,At nine.,\n")
    model = tmp_path / "m"
    assert train(tiny_files, model, "--quiet", "--answers", str(answers)) == 0
    assert "warning: 2 originals have no answer in" in capsys.readouterr().err
    manifest = json.loads((model / "model.json").read_text())
    assert manifest["createdBy"]["data"]["answers"]["rows"] == 2
    assert main(["score", "--model", str(model), "--top", "1", "money back"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.strip() for line in lines[2:4]] == ["Within 14 days.", "https://a.example/3"]
    assert main(["score", "--model", str(model), "--top", "1", "--json", "when do you open"]) == 0
    (match,) = json.loads(capsys.readouterr().out)["matches"]
    assert (match["answer"], match["url"]) == ("At nine.", None)


def test_the_threshold_of_none_is_the_trainers_choice(
    tmp_path: Path, tiny_files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for threshold, verdict in (("0", True), ("1", False)):
        model = tmp_path / threshold
        assert train(tiny_files, model, "--quiet", "--none-threshold", threshold) == 0
        capsys.readouterr()
        assert main(["score", "--model", str(model), "--json", "money back"]) == 0
        assert json.loads(capsys.readouterr().out)["none"] is verdict


def test_training_chooses_a_threshold_and_says_what_it_does(
    tmp_path: Path, tiny_files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(tiny_files, tmp_path / "m", "--quiet") == 0
    told = capsys.readouterr().out
    manifest = json.loads((tmp_path / "m" / "model.json").read_text())
    threshold = manifest["noneOfThese"]["threshold"]
    assert 0.5 <= threshold <= 1
    assert f"from a probability of none of {threshold:g} on" in told
    assert manifest["metrics"]["refusedOfAnsweredRight"] <= 0.1
    assert "letThroughOfUnanswered" in told


def test_a_single_original_trains_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = (tmp_path / "o.csv", tmp_path / "d.csv")
    files[0].write_text("Id,AnswerId,Text\n1,1,only one\n")
    files[1].write_text("Id,OriginalId,Text\n2,1,the only one\n")
    assert train(files, tmp_path / "m", "--quiet") == 0
    assert "warning: one original only" in capsys.readouterr().err


def test_texts_that_stand_for_several_originals_are_told(
    tmp_path: Path, tiny_files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    with tiny_files[1].open("a", encoding="utf-8") as stream:
        stream.write("x1,q0,Money back please\nx2,q3,money  back please\nx3,q1,REFUND\n")
    assert train(tiny_files, tmp_path / "m", "--quiet") == 0
    assert "warning: 2 texts stand for several originals" in capsys.readouterr().err


def test_each_command_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("prepare", "distil", "train", "evaluate", "compare", "score", "inspect"):
        with pytest.raises(SystemExit, match="0"):
            main([command, "--help"])
        told = capsys.readouterr().out
        assert f"usage: scoring-faq {command}" in told
        assert re.search(r"^[A-Z][^.]+\.$", told, re.MULTILINE)
