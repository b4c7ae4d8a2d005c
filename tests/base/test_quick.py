import shutil

from conftest import ROOT
from dvc.repo import Repo
from ruamel.yaml import YAML

from replicate.base import parameters, quick


def test_the_toy_parameters_are_possible_and_name_no_group_in_vain(tmp_path):
    yaml = YAML()
    content = yaml.load(ROOT / "params.yaml")
    for group, values in quick.TOY.items():
        assert values.keys() <= content[group].keys()
        content[group].update(values)
    yaml.dump(content, tmp_path / "params.yaml")
    parameters.load(tmp_path / "params.yaml")


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
