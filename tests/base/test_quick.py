from conftest import ROOT
from ruamel.yaml import YAML

from replicate.base import parameters, quick


def test_the_toy_parameters_are_possible_and_name_no_group_in_vain(tmp_path):
    yaml = YAML()
    content = yaml.load(ROOT / "params.yaml")
    for group, values in quick.TOY.items():
        assert values.keys() <= content[group].keys()
        content[group].update(values)
    yaml.dump(content, tmp_path / "params.yaml")
    toy = parameters.load(tmp_path / "params.yaml")
    assert toy.train.iterations == quick.TOY["train"]["iterations"]
    assert toy.train.snapshots() == [*quick.TOY["train"]["milestones"], toy.train.iterations]
