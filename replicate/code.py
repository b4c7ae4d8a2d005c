"""Stage code: for every other stage a fingerprint of the code that its result depends on, on which the stage depends.

python -m replicate.code
"""

from replicate.base import checked, files, source, stage


def main() -> None:
    stages = checked.read("dvc.yaml")["stages"]
    modules = {name: of["cmd"].split()[2] for name, of in stages.items() if name != "code"}  # python -m MODULE
    of_modules = {module: source.fingerprint(module) for module in set(modules.values())}
    files.write_json("code.json", {name: of_modules[module] for name, module in modules.items()})


if __name__ == "__main__":
    stage.run(main)
