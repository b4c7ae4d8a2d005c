"""Stage measure, probes: what the layers of one run are worth to the downstream task, telling digits apart.

python -m replicate.measure.probes VARIANT SEED
"""

from replicate.base import files, machine, stage
from replicate.gan import run
from replicate.measures import representation


def main() -> None:
    this, params = run.from_command_line(__doc__)
    machine.prepare("cpu")
    train, test = this.training_images(params.mnist), this.test_images(params.mnist)
    features = representation.representations(this.load(), train, test)
    scored = representation.scores(features, train, test, params.probes, params.kmeans, f"probes {this.name}")
    files.write_json(this.folder / "probes.json", scored)


if __name__ == "__main__":
    stage.run(main)
