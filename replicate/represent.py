"""Stage represent: what the layers of one run are worth to the downstream task, telling digits apart.

    python -m replicate.represent OBJECTIVE SEED
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from replicate import mnist, networks, params, stage
from replicate.measures import representation
from replicate.networks import RecognitionHead, Run
from replicate.params import Params
from replicate.progress import Progress

Split = tuple[Tensor, Tensor]  # images uint8 (N, 28, 28) and labels (N,)
Features = tuple[np.ndarray, np.ndarray]  # float32 (N, d) of the training split, (M, d) of the test split


@torch.inference_mode()
def layers(run: Run, images: Tensor, batch_size: int = 500) -> dict[str, np.ndarray]:
    """The representations of a run: images uint8 (N, 28, 28) -> features (N, d) by name.

    posterior_c1: the probabilities of the categories (10). head_outputs: all that the head says of the code (Q: logits,
    means, and standard deviations where they are learned; the critic: its projections). head_hidden: its hidden layer
    (128). trunk: what it shares with D (1024).
    """
    head = run.head
    # Where Q's standard deviations are fixed, nothing has trained the outputs that would be theirs.
    unused = head.sizes[-1] if isinstance(head, RecognitionHead) and head.fixed_std else 0
    parts = []
    for batch in images.split(batch_size):
        trunk = run.discriminator.features(mnist.as_input(batch))
        outputs = head.outputs(trunk)
        parts.append(
            {
                "posterior_c1": head.category_logits(trunk).softmax(dim=1),
                "head_outputs": outputs[:, : outputs.shape[1] - unused],
                "head_hidden": head.hidden(trunk),
                "trunk": trunk,
            }
        )
    return {name: torch.cat([part[name] for part in parts]).numpy() for name in parts[0]}


def representations(run: Run, train: Tensor, test: Tensor) -> dict[str, Features]:
    """The representations of a run on images (N, 28, 28) and (M, 28, 28). All but probabilities are standardised."""
    of_train, of_test = layers(run, train), layers(run, test)
    return {
        name: (of_train[name], of_test[name])
        if name == "posterior_c1"
        else representation.standardise(of_train[name], of_test[name])
        for name in of_train
    }


def scores(
    features: dict[str, Features], digit: Tensor, test_digit: Tensor, config: Params, title: str
) -> dict[str, dict[str, float]]:
    """`representation.scores` of each of `features`, for digits (N,) and (M,)."""
    return {
        name: representation.scores(train, digit.numpy(), test, test_digit.numpy(), config)
        for name, (train, test) in Progress(features.items(), desc=title, unit="representation")
    }


def represent(run: Run, train: Split, test: Split, config: Params, title: str) -> dict[str, dict[str, float]]:
    """Every representation of a run scored, and the information that its c1 gives about the digit of test images."""
    features = representations(run, train[0], test[0])
    posterior = features["posterior_c1"][1]
    return {
        **scores(features, train[1], test[1], config, title),
        "code_label_information": representation.label_information(
            posterior.argmax(axis=1), test[1].numpy(), posterior.shape[1]
        ),
    }


def main() -> None:
    objective, seed = params.run_arguments(__doc__)
    name = f"{objective}-{seed}"
    config = params.load()
    run = networks.load(Path("runs", name, "weights.safetensors"), objective, config)
    images, labels = mnist.load("train", config.mnist)
    seen = config.train.training_images  # nothing is fitted to images that the run was not trained on
    train = (images[:seen], labels[:seen])
    metrics = represent(run, train, mnist.load("t10k", config.mnist), config, f"represent {name}")
    stage.write_json(Path("metrics", name, "representation.json"), metrics)


if __name__ == "__main__":
    stage.run(main)
