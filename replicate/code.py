"""Stage code: for every other stage a fingerprint of the code that its result depends on, on which the stage depends.

python -m replicate.code
"""

from pathlib import Path

from ruamel.yaml import YAML

from replicate.base import files, source, stage


def main() -> None:
    stages = YAML(typ="safe").load(Path("dvc.yaml"))["stages"]
    named = {name: of["cmd"].split()[2] for name, of in stages.items() if name != "code"}  # python -m MODULE
    files.write_json("code.json", {name: source.fingerprint(module) for name, module in named.items()})


if __name__ == "__main__":
    stage.run(main)
