"""Stage represent: what the layers of one run are worth to the downstream task, telling digits apart.

python -m replicate.represent VARIANT SEED
"""

from replicate.base import environment, mnist, stage
from replicate.gan import run
from replicate.measures import downstream, representation


def main() -> None:
    this, params = run.from_command_line(__doc__)
    environment.prepare("cpu")
    train = mnist.training_images(params.mnist, this.settings.train)
    test = mnist.test_images(params.mnist, this.settings.train)
    features = downstream.representations(this.load(), train, test)
    category = features["posterior_c1"][1].argmax(axis=1)
    scored = downstream.scores(features, train, test, params.represent, f"represent {this.name}")
    code = representation.label_information(category, test[1].numpy())
    stage.write_json(this.file("representation.json"), {"code": code, **scored})


if __name__ == "__main__":
    stage.run(main)
