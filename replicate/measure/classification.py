"""Stage measure, classification: c1 of one run as a classifier and as a clustering of real images (§7.2).

    python -m replicate.measure.classification VARIANT SEED

The categories that it gives to every image that the run was trained or scored on stay in git (predictions.npz).
"""

from typing import Any

import numpy as np
from sklearn.metrics import adjusted_mutual_info_score

from replicate.base import files, machine, stage
from replicate.gan import run
from replicate.gan.model import Model
from replicate.gan.run import Run
from replicate.measures import classification, clustering, morphometry, reading, representation
from replicate.measures.reading import Split, with_batch_statistics
from replicate.parameters import Classification, KMeans


def errors(
    trained: Model, counts: np.ndarray, category: np.ndarray, test: Split, held_out: Split, batch_size: int
) -> dict[str, float | int | None]:
    """The scores of c1 as a classifier; `counts` (K, 10) are those of training images, to which the matchings are fitted,
    `category` (M,) is c1 of the test images, `held_out` are images of the training split that the run never saw.

    error_batch_statistics: the one-to-one error once more, with the statistics of each batch of test images in batchnorm, as
    in the official implementation. error_held_out: the one-to-one error on the held-out images; None where there are none.
    """
    digit, batchwise = test[1].numpy(), with_batch_statistics(trained)
    whole = len(digit) // batch_size * batch_size  # a remainder would have other statistics
    of_batches = reading.categories(batchwise, test[0][:whole], batch_size)
    unseen = (reading.categories(trained, held_out[0]), held_out[1].numpy()) if len(held_out[1]) else None
    return classification.scores(counts, category, digit) | {
        "error_batch_statistics": classification.one_to_one_error(counts, of_batches, digit[:whole]),
        "error_held_out": classification.one_to_one_error(counts, *unseen) if unseen else None,
    }


def confusion(given: np.ndarray, digit: np.ndarray) -> np.ndarray:
    """Counts (10, 10) of images by their digit (N,) and the digit `given` (N,) by c1; those of no digit are in no cell."""
    named = given != classification.UNMATCHED
    return classification.contingency(digit[named], given[named], classification.DIGITS)


def merging(this: Run, test: Split, given: np.ndarray, options: Classification) -> dict[str, Any]:
    """Which digit classes c1 merges (see `clustering.merged_classes`), where `given` (M,) is the digit that it gives to each
    test image, and how many pairs of 4, 7 and 9. Both are None where K is not the number of digits, the former also for a
    regular GAN, the latter where the run is not about these digits."""
    digit = test[1].numpy()
    counts = confusion(given, digit)
    comparable = this.settings.latent.categories == len(this.settings.train.digits)
    names = ("pairs", "which", "styles", "error_without", "error_by_style")
    merged, among = dict.fromkeys(names), None
    if comparable and this.settings.objective != "gan":
        styles = morphometry.measure(test[0].numpy())
        limits = options.merged_share, options.separable_auc
        merged = clustering.merged_classes(digit, given, counts, styles, *limits)
    if comparable and {4, 7, 9} <= set(this.settings.train.digits):
        among = sum(set(pair) <= {4, 7, 9} for pair in clustering.merged_pairs(counts, options.merged_share))
    return {"merged": merged, "merged_4_7_9": among}


def control(train: Split, test: Split, K: int, options: KMeans, seed: int) -> dict[str, float]:
    """What k-means tells of the digits in c1's place, on principal components of the images, with as many clusters."""
    pixels = (np.float32(images.numpy()).reshape(len(images), -1) / 255 for images, _ in (train, test))
    cluster = representation.clusters(*representation.principal_components(*pixels), K, options, seed)
    return {"ami": float(adjusted_mutual_info_score(test[1].numpy(), cluster))}


def main() -> None:
    this, params = run.from_command_line(__doc__)
    machine.prepare("cpu")
    options, K, trained = params.classification, this.settings.latent.categories, this.load()
    train, test = this.training_images(params.mnist), this.test_images(params.mnist)
    of_train, (of_test, continuous) = reading.categories(trained, train[0]), reading.codes(trained, test[0])
    matched = slice(options.matching_images)
    counts = classification.contingency(of_train[matched], train[1].numpy()[matched], K)
    given = classification.match_one_to_one(counts)[of_test]
    nearest = clustering.nearest(train[0][: options.neighbour_images].numpy(), options.neighbours)
    metrics = {
        **errors(trained, counts, of_test, test, this.held_out_images(params.mnist), this.settings.train.batch_size),
        **merging(this, test, given, options),
        "ami_ceiling": clustering.ceiling(test[1].numpy(), K),
        "information": representation.information(of_test, test[1].numpy()),
        "knn_consistency": clustering.knn_consistency(of_train, nearest),
        "kmeans": control(train, test, K, params.kmeans, this.seed),
    }
    rows = enumerate(confusion(given, test[1].numpy()).tolist())
    predictions = {
        "train_category": of_train.astype(np.uint8),
        "test_category": of_test.astype(np.uint8),
        "test_continuous": continuous.astype(np.float16),
    }
    files.write_json(this.folder / "classification.json", metrics)
    files.write_csv(this.folder / "confusion.csv", [{"digit": d} | dict(enumerate(row)) for d, row in rows])
    with files.whole_file(this.folder / "predictions.npz") as temporary:
        np.savez_compressed(temporary, **predictions)


if __name__ == "__main__":
    stage.run(main)
