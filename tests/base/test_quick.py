import shutil

from conftest import ROOT
from dvc.repo import Repo
from ruamel.yaml import YAML

from replicate import parameters
from replicate.base import quick


def test_the_toy_parameters_are_possible_and_name_no_group_in_vain(tmp_path, monkeypatch):
    quick.copy(tmp_path, quick.TOY)
    before, after = (YAML(typ="safe").load(folder / "params.yaml") for folder in (ROOT, tmp_path))
    assert before.keys() == after.keys()
    assert all(before[group].keys() == after[group].keys() for group in quick.TOY)
    monkeypatch.chdir(tmp_path)
    assert parameters.load().train.iterations == 100


def test_a_copy_does_without_git_whatever_the_configuration_holds(tmp_path, monkeypatch):
    mine, folder = tmp_path / "mine", tmp_path / "copy"
    (mine / ".dvc").mkdir(parents=True)
    remote = "['remote \"mine\"']\n    url = /elsewhere\n"
    (mine / ".dvc/config").write_text((ROOT / ".dvc/config").read_text() + remote)
    shutil.copy(ROOT / "params.yaml", mine)
    monkeypatch.setattr(quick, "ROOT", mine)
    monkeypatch.setattr(quick, "COPIED", (".dvc/config", "params.yaml"))
    quick.copy(folder, {})
    with Repo(folder) as repo:
        assert repo.config["core"]["no_scm"] and "mine" in repo.config["remote"]
