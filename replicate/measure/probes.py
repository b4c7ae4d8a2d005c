"""Stage measure, probes: what Q's hidden layer is worth to the downstream task, telling digits apart.

python -m replicate.measure.probes VARIANT SEED
"""

from replicate.base import files, machine, stage
from replicate.gan import run
from replicate.measures import reading, representation


def main() -> None:
    this, params = run.from_command_line(__doc__)
    machine.prepare("cpu")
    train, test = this.training_images(params.mnist), this.test_images(params.mnist)
    trained = this.load()
    features = representation.standardise(*(reading.hidden(trained, split[0]).numpy() for split in (train, test)))
    scored = representation.scores(features, train, test, params.probes)
    files.write_json(this.folder / "probes.json", {"head_hidden": scored})


if __name__ == "__main__":
    stage.run(main)
